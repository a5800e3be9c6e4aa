"""One stage of `make test`: run what it consists of, and say in one line what that checks and how long it took.

python .ci/stage.py NAME "WHAT IT CHECKS" COMMAND … [-- COMMAND …]

One command writes as it goes; of several, which run side by side, only those that fail are heard. All end by the signal
that ends this process, and where the process that called it goes away without one.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO

LOOK_S = 0.2
"""How often is looked what has ended."""


def start(command: list[str], out: IO[bytes] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=out, stderr=None if out is None else subprocess.STDOUT)


def wait(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes, once all have ended."""
    called_by = os.getppid()
    while any(process.poll() is None for process in processes):
        if os.getppid() != called_by:
            end(processes)
        time.sleep(LOOK_S)
    return [process.returncode for process in processes]


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()


def run(commands: list[list[str]]) -> int:
    """The exit code of the first that failed, 0 where none did."""
    with contextlib.ExitStack() as files:
        outs = [files.enter_context(tempfile.TemporaryFile()) if len(commands) > 1 else None for _ in commands]
        processes = [start(command, out) for command, out in zip(commands, outs, strict=True)]
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: end(processes))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells the commands too, and they end as they like
        codes = wait(processes)
        for command, out, code in zip(commands, outs, codes, strict=True):
            if code and out is not None:
                out.seek(0)
                print(f"{' '.join(command)}\n{out.read().decode(errors='replace')}", flush=True)
    return next((128 - code if code < 0 else code for code in codes if code), 0)


def main() -> int:
    name, what, *words = sys.argv[1:]
    commands = [list(group) for separates, group in itertools.groupby(words, lambda word: word == "--") if not separates]
    begun = time.monotonic()
    code = run(commands)
    print(f"{name:<8} {what:<62} {'failed after' if code else '':>12} {time.monotonic() - begun:>5.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
