"""The command line, for cron and for tests: the same Desk as the screens. docs/cli.md describes it; a test holds that.

Exit codes: 0 all ready agents done (`restore`: all agents back), 2 bad input, 3 some failed or unconfirmed, 4 refused.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import os
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

import click

from wfm import __version__, launcher, logs, settings
from wfm.cli_output import (
    StillGoing,
    complain,
    complain_of_words,
    print_operation,
    print_preview,
    print_runs,
    refusal_of,
    say,
    say_json,
)
from wfm.cli_wait import Waiting, can_work, ensure_worker, out_of_reach, patient, still_going
from wfm.demo.command import demo_tenant
from wfm.desk import Desk, OperationView
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, Refused, refuse_controls
from wfm.domain.operations import OPEN_STATES, ItemState, Operation, OperationState, Run, RunFilter, SkipReason
from wfm.domain.people import Actor, Role
from wfm.domain.plans import PlanRequest, Preview
from wfm.domain.text import inert
from wfm.files.plan_file import read_plan
from wfm.stores import SET_ASIDE_HERE, PassingFault, damage_sentence, set_aside_since

T = TypeVar("T")

OK, BAD_INPUT, SOME_FAILED, REFUSED = 0, 2, 3, 4
IDLE_EXIT_S = 30.0
NO_WORKER = "No worker is alive. Start one: python -m wfm worker."
UNDONE = (ItemState.FAILED, ItemState.UNCONFIRMED, ItemState.PENDING, ItemState.SENDING)
NEVER_SENT = frozenset(
    reason.value for reason in (SkipReason.HALTED, SkipReason.CANCELLED, SkipReason.WINDOW_OVER, SkipReason.ENDED_EARLY)
)
"""Ready agents that were not taken out because the operation ended before their turn."""


class _Commands(click.Group):
    """A command group that reports unknown arguments in a sentence of bounded length, as JSON with --json."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        wants_json = "--json" in words
        try:
            _refuse_controls(words)
            sys.exit(super().main(words, *more, **{**options, "standalone_mode": False}) or OK)
        except BadInput as error:
            _fail(error, wants_json, BAD_INPUT)
        except click.ClickException as error:
            complain_of_words(error, wants_json)
            sys.exit(BAD_INPUT if wants_json else error.exit_code)
        except click.Abort:
            if not wants_json:
                click.echo("Aborted!", err=True)
            sys.exit(1)


def _refuse_controls(words: Sequence[str]) -> None:
    """Raise BadInput, which names the option, for an argument whose echo would control the terminal."""
    for before, word in zip(("", *words), words, strict=False):
        option = word.partition("=")[0] if word.startswith("-") else before
        refuse_controls(option if option.startswith("-") else "argument", word, lines=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Take agents out of work for a maintenance window, and get every one back."""


as_json = click.option("--json", "wants_json", is_flag=True, help="Print one JSON object instead of sentences.")
until_restored = click.option(
    "--until", type=click.Choice(["restored"]), help="Wait until all agents are back, not only until all are out."
)
plan_file = click.argument("plan", type=click.Path(allow_dash=True), metavar="PLAN.json")


@main.command()
@plan_file
@as_json
def preview(plan: str, wants_json: bool) -> None:
    """Say what applying a plan would do. Writes nothing. Exit 4 when it could not be applied."""
    request = _plan(plan, wants_json)
    with _desk(wants_json, start_demo=True) as desk:
        result = desk.plans.preview(request)
        print_preview(result, wants_json)
    sys.exit(OK if result.can_apply else REFUSED)


@main.command()
@plan_file
@click.option("--yes", is_flag=True, help="Go ahead: without it nothing is written.")
@until_restored
@click.option("--rehearse", is_flag=True, help="Go ahead although access is missing (demo tenant only).")
@as_json
def apply(plan: str, yes: bool, until: str | None, rehearse: bool, wants_json: bool) -> None:
    """Take the agents of a plan out, through the worker that is alive or one that is started."""
    request = _plan(plan, wants_json)
    looked_again: tuple[str, ...] = ()
    with _desk(wants_json, waits=True) as desk:
        preview_ = patient(lambda: desk.plans.preview(request))
        file = plan if plan == "-" else str(Path(plan).absolute())  # the command that continues changes to the desk's folder
        words = ["apply", file, "--yes", *(["--until", until] if until else []), *(["--rehearse"] if rehearse else [])]
        make = functools.partial(_make, desk, token=uuid.uuid4().hex, rehearse=rehearse, again=shlex.join(words))
        try:
            if not yes:
                raise Refused("policy", "Nothing was written. Add --yes to go ahead.")
            if not patient(lambda: can_work(desk)):
                raise Refused("state", f"{NO_WORKER} Nothing was written.")
            try:
                operation = make(preview_)
            except Refused as stale:
                if stale.code != "stale":
                    raise
                # No person has seen this plan, so the command uses the next preview, if two in a row agree.
                looked_again = stale.differences
                preview_ = patient(lambda: desk.plans.preview(request, fresh=True))
                operation = make(preview_)
        except (Refused, NotAllowed) as refusal:
            print_preview(preview_, wants_json, refusal)
            sys.exit(REFUSED)
        waiting = Waiting(desk, operation.id, _wait_words(operation.id, until))
        if operation.window.start > desk.clock():
            waiting.ask(lambda: ensure_worker(desk))
            view = waiting.ask(lambda: desk.windows.get(operation.id))
            waiting.ask(lambda: print_operation(desk, view, wants_json, looked_again=looked_again))
            sys.exit(OK)
        sys.exit(_see_through(waiting, until, wants_json, looked_again))


@main.command()
@click.argument("operation")
@until_restored
@as_json
def wait(operation: str, until: str | None, wants_json: bool) -> None:
    """Wait for an operation as `apply` does, after a wait that was interrupted or timed out."""
    words = _wait_words(operation, until)
    with _desk(wants_json, start_demo=True, waits=True, going=(operation, words)) as desk:
        waiting = Waiting(desk, operation, words)
        waiting.ask(lambda: desk.windows.get(operation))  # an unknown operation is reported before a worker is started
        sys.exit(_see_through(waiting, until, wants_json))


@main.command()
@click.argument("operation")
@as_json
def restore(operation: str, wants_json: bool) -> None:
    """End an operation now and restore all agents that are still out through it."""
    words = shlex.join(["restore", operation])
    with _desk(wants_json, start_demo=True, waits=True, going=(operation, words)) as desk:
        waiting = Waiting(desk, operation, words)
        waiting.ask(lambda: desk.windows.restore(operation, _actor()))
        if not waiting.ask(lambda: can_work(desk)) and not wants_json:
            say(f"{NO_WORKER} The restore of {operation} is noted; the worker does it first.", err=True)
        with waiting.worker(keep=False):
            view = waiting.until(restored=True)
        waiting.ask(lambda: print_operation(desk, view, wants_json, left_out=False))
        sys.exit(OK if _all_back(view) else SOME_FAILED)


@main.command()
@click.option("--operation", help="Only the runs of this operation.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at the most.")
@as_json
def runs(operation: str | None, limit: int, wants_json: bool) -> None:
    """List runs, newest first. Needs no tenant where one was seen before."""
    with _desk(wants_json, history=True) as desk:
        rows: list[Run] = []
        cursor: str | None = None
        while len(rows) < limit:
            page = desk.runs.page(RunFilter(operation_id=operation), cursor=cursor, limit=min(500, limit - len(rows)))
            rows += page.runs
            cursor = page.older
            if cursor is None:
                break
        if operation and not rows:
            desk.windows.get(operation)  # an unknown operation is an error; no runs is not
        print_runs(rows, wants_json)


@main.command()
@click.argument("source", type=click.File("rb"), default="-", metavar="[FILE|-]")
@click.option("--status", type=click.IntRange(100, 599), help="HTTP status that came with the payload.")
@click.option("--call", help="The request that failed, as in 'PATCH /api/v2/users/{userId}/presences/purecloud'.")
@click.option("--jsonl", type=click.File("rb"), help="Lines with id, http_status, headers, body, context.")
@as_json
def diagnose(source: Any, status: int | None, call: str | None, jsonl: BinaryIO | None, wants_json: bool) -> None:
    """Say what an error payload means: cause, fix, what is missing. Needs no tenant."""
    from wfm import diagnosis

    if jsonl is not None:
        unread = 0
        for answer in diagnosis.diagnose_jsonl(jsonl):
            unread += answer["rule"] is None
            say(json.dumps(answer))
        if unread:
            say(f'{unread} of the lines could not be read; each says why under "cause".', err=True)
        sys.exit(OK)
    body: bytes = source.read()
    if not body.strip() and status is None:
        _fail(BadInput("payload", None, "the text of an error, or --status"), wants_json, BAD_INPUT)
    if not wants_json and diagnosis.is_jsonl(body):
        say("\n\n".join(diagnosis.render_jsonl(body.splitlines())))
        return
    explanation = diagnosis.explain(body, Evidence(call=call), status=status)
    if wants_json:
        say_json(diagnosis.as_record(None, explanation.diagnosis))
    else:
        say(diagnosis.render(explanation.diagnosis))
        more = [f"{name}: {value}" for name, value in explanation.fields if name == diagnosis.ALSO]
        more += [unknown.sentence for unknown in explanation.unknown]
        if more:
            say("".join(f"\n{line}" for line in more))


@main.command()
@click.option("--exit-when-idle", is_flag=True, help="Stop half a minute after the last open operation ended.")
@as_json
def worker(exit_when_idle: bool, wants_json: bool) -> None:
    """Apply and restore what is due. One a data folder; a second one waits as standby."""
    from wfm import work

    logs.set_up()

    def say(state: str) -> None:
        if wants_json:
            say_json({"worker": os.getpid(), "tenant": desk.tenant.key, "state": state})

    with _desk(wants_json, waits=True) as desk:
        code = work.run(desk, exit_when_idle_s=IDLE_EXIT_S if exit_when_idle else None, on_state=say)
    sys.exit(code)


main.add_command(demo_tenant)


# --- shared ----------------------------------------------------------------------------------------------------------


def _make(desk: Desk, found: Preview, *, token: str, rehearse: bool, again: str) -> Operation:
    """Make the operation of exactly this plan, once for each token. Raises as `desk.plans.apply`, and StillGoing."""
    try:
        return patient(
            lambda: desk.plans.apply(
                found.request,
                found.plan_id,
                actor=_actor(),
                request_token=token,
                rehearse=rehearse,
                confirmation=desk.plans.confirmation_needed(found),
            )
        )
    except PassingFault as fault:
        # The last answer may have been lost.
        sentence = f"{out_of_reach(fault)} whether the operation was made is not known, and this tells:"
        raise StillGoing(sentence, None, f"{launcher.command_line(desk.settings)} {again}") from fault


def _wait_words(operation_id: str, until: str | None) -> str:
    return shlex.join(["wait", operation_id, *(["--until", until] if until else [])])


def _see_through(waiting: Waiting, until: str | None, wants_json: bool, looked_again: tuple[str, ...] = ()) -> int:
    """Wait until all agents are out (or back), print how it ended and return the exit code of `apply`."""
    desk = waiting.desk
    with waiting.worker(keep=until is None):
        view = waiting.until(restored=until == "restored")
    waiting.ask(lambda: print_operation(desk, view, wants_json, looked_again=looked_again))
    return OK if waiting.ask(lambda: _all_out(desk, view)) and _all_back(view) else SOME_FAILED


def _plan(path: str, wants_json: bool) -> PlanRequest:
    """Return the plan in that file (`-`: standard input). Errors in it are reported before the tenant is asked anything."""
    try:
        try:
            raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
            text = raw.decode("utf-8-sig")  # some editors begin a file with a byte order mark
        except OSError as error:
            raise BadInput("PLAN.json", path, f"a file that can be read ({error.strerror or error})") from None
        except UnicodeDecodeError as error:
            raise BadInput("PLAN.json", path, f"a text in UTF-8 (byte {error.start + 1} of this file is none)") from None
        return read_plan(text)
    except BadInput as error:
        _fail(error, wants_json, BAD_INPUT)


@contextlib.contextmanager
def _desk(
    wants_json: bool,
    *,
    start_demo: bool = False,
    history: bool = False,
    waits: bool = False,
    going: tuple[str, str] | None = None,
) -> Iterator[Desk]:
    """Open a Desk for one command; a refusal becomes a sentence (or JSON) and an exit code.

    With `start_demo` the demo tenant that a stopped `make run` left behind runs for the length of the command. With
    `history` a tenant that does not answer is a note, not an error. A command that `waits` gives a store that is out of reach
    a minute; `going` is the operation that it waits for, with the words that go on with it.
    """
    begun = datetime.now(UTC)
    ask = patient if waits else _at_once
    try:
        chosen = settings.load()
        with contextlib.ExitStack() as stack:
            if start_demo:
                ask(lambda: stack.enter_context(launcher.temporary_demo_tenant(chosen)))
            stack.callback(_name_set_aside, chosen.data_dir, begun)
            desk = stack.enter_context(contextlib.closing(ask(lambda: Desk.open(chosen, history=history))))
            if history and desk.no_answer is not None:
                say(f"{desk.no_answer} This is the history that the desk holds of it.", err=True)
            yield desk
    except (BadInput, NotFound) as error:
        _fail(error, wants_json, BAD_INPUT)
    except (Refused, NotAllowed) as error:
        _fail(error, wants_json, REFUSED)
    except PassingFault as fault:
        _fail(still_going(chosen, out_of_reach(fault), *going) if going else fault, wants_json, SOME_FAILED)
    except DeskError as error:
        _fail(error, wants_json, SOME_FAILED)


def _at_once(ask: Callable[[], T]) -> T:
    return ask()


def _name_set_aside(folder: Path, begun: datetime) -> None:
    """Name once each file that a worker found damaged and made again; the log names those that this process set aside."""
    for aside in set_aside_since(folder, begun):
        if aside not in SET_ASIDE_HERE:
            say(damage_sentence(aside), err=True)


def _fail(error: DeskError, wants_json: bool, code: int) -> NoReturn:
    if wants_json:
        say_json(refusal_of(error))
    else:
        complain(error)
    sys.exit(code)


def _actor() -> Actor:
    """Return the actor: the holder of the client secret acts with its rights; the OS user is recorded."""
    try:
        user = inert(getpass.getuser())
    except (KeyError, OSError):
        user = "unknown user"
    return Actor(subject=f"os:{user}", name=f"{user} (command line)", role=Role.ADMIN)


def _all_out(desk: Desk, view: OperationView) -> bool:
    """Return whether every agent that was ready was taken out. An agent found blocked at the start was no longer ready."""
    counts, operation = view.counts, view.operation
    if any(counts.apply.get(state, 0) for state in UNDONE):
        return False
    if not counts.apply.get(ItemState.SKIPPED, 0):
        return True
    after = 0
    while page := desk.windows.items(operation.id, apply_states=[ItemState.SKIPPED], after_seq=after, limit=5_000):
        if any(item.skip_reason in NEVER_SENT for item in page):
            return False
        after = page[-1].seq
    return True


def _all_back(view: OperationView) -> bool:
    """Return whether every agent who should be back is back. Agents that were left as found were checked and are right."""
    if view.operation.state in OPEN_STATES and view.operation.state is not OperationState.FAILED_IN_PART:
        return True  # in effect: they are to be out
    return not any(view.counts.restore.get(state, 0) for state in (ItemState.FAILED, ItemState.UNCONFIRMED))
