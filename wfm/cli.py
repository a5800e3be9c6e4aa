"""The command line, for cron and for tests: the same Desk as the screens. docs/cli.md describes it; a test holds that.

Exit codes: 0 all ready agents done (`restore`: everybody back), 2 bad input, 3 some failed or unconfirmed, 4 refused.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click

from wfm import __version__, launcher, logs, settings
from wfm.cli_output import complain, print_operation, print_preview, print_runs, refusal_of, say_json
from wfm.demo.command import demo_tenant
from wfm.desk import Desk, OperationView
from wfm.domain.diagnoses import Evidence
from wfm.domain.errors import BadInput, DeskError, NotAllowed, NotFound, Refused
from wfm.domain.operations import OPEN_STATES, ItemState, OperationState, Run, RunFilter, SkipReason
from wfm.domain.people import Actor, Role
from wfm.domain.plan_file import read_plan
from wfm.domain.plans import PlanRequest

OK, BAD_INPUT, SOME_FAILED, REFUSED = 0, 2, 3, 4
POLL_S = 0.25
WORKER_PATIENCE_S = 60.0
REPLACE_WORKER_S = 3.0
IDLE_EXIT_S = 30.0
NO_WORKER = "No worker is alive. Start one: python -m wfm worker."
UNFINISHED = frozenset({OperationState.APPLYING, OperationState.RESTORING})
UNDONE = (ItemState.FAILED, ItemState.UNCONFIRMED, ItemState.PENDING, ItemState.SENDING)
NEVER_SENT = frozenset({SkipReason.HALTED.value, SkipReason.CANCELLED.value, SkipReason.WINDOW_OVER.value})
"""Ready agents that were not taken out because the operation came to its end before their turn."""


class _Commands(click.Group):
    """Words that no command takes are said as JSON too, where JSON was asked for."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        if "--json" not in words:
            return super().main(words, *more, **options)
        try:
            sys.exit(super().main(words, *more, **{**options, "standalone_mode": False}) or OK)
        except click.ClickException as error:
            say_json({"error": error.format_message(), "reason": type(error).__name__, "differences": []})
            sys.exit(BAD_INPUT)
        except click.Abort:
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Take agents out of work for a maintenance window, and get every one back."""


as_json = click.option("--json", "wants_json", is_flag=True, help="Print one JSON object instead of sentences.")
plan_file = click.argument("plan", type=click.Path(allow_dash=True), metavar="PLAN.json")


@main.command()
@plan_file
@as_json
def preview(plan: str, wants_json: bool) -> None:
    """Say what applying a plan would do. Writes nothing. Exit 4 when it could not be applied."""
    request = _plan(plan, wants_json)
    with _desk(wants_json, start_demo=True) as desk:
        found = desk.preview(request)
        print_preview(found, wants_json)
    sys.exit(OK if found.can_apply else REFUSED)


@main.command()
@plan_file
@click.option("--yes", is_flag=True, help="Go ahead: without it nothing is written.")
@click.option("--until", type=click.Choice(["restored"]), help="Wait until everybody is back, not only until all are out.")
@click.option("--rehearse", is_flag=True, help="Go ahead although access is missing (demo tenant only).")
@as_json
def apply(plan: str, yes: bool, until: str | None, rehearse: bool, wants_json: bool) -> None:
    """Take the agents of a plan out, by the worker that is alive or one that is started."""
    request = _plan(plan, wants_json)
    with _desk(wants_json) as desk:
        found = desk.preview(request)
        try:
            if not yes:
                raise Refused("policy", "Nothing was written. Add --yes to go ahead.")
            if not _can_work(desk):
                raise Refused("state", f"{NO_WORKER} Nothing was written.")
            operation = desk.apply(
                request,
                found.plan_id,
                actor=_actor(),
                request_token=uuid.uuid4().hex,
                rehearse=rehearse,
                confirmation=desk.confirmation_needed(found),
            )
        except (Refused, NotAllowed) as refusal:
            print_preview(found, wants_json, refusal)
            sys.exit(REFUSED)
        view = desk.operation(operation.id)
        if operation.window.start > desk.clock():
            _ensure_worker(desk)
            print_operation(desk, view, wants_json)
            sys.exit(OK)
        with _worker(desk, keep=until is None):
            view = _wait(desk, operation.id, until_restored=until == "restored")
        print_operation(desk, view, wants_json)
        sys.exit(OK if _all_out(desk, view) and _all_back(view) else SOME_FAILED)


@main.command()
@click.argument("operation")
@as_json
def restore(operation: str, wants_json: bool) -> None:
    """End an operation now and make available everybody who is still out through it."""
    with _desk(wants_json, start_demo=True) as desk:
        desk.restore_now(operation, _actor())
        if not _can_work(desk):
            raise DeskError(f"{NO_WORKER} The restore of {operation} is noted and is the first thing that it does.")
        with _worker(desk, keep=False):
            view = _wait(desk, operation, until_restored=True)
        print_operation(desk, view, wants_json, left_out=False)
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
            page = desk.runs(RunFilter(operation_id=operation), cursor=cursor, limit=min(500, limit - len(rows)))
            rows += page.runs
            cursor = page.older
            if cursor is None:
                break
        if operation and not rows:
            desk.operation(operation)  # no such operation is another answer than no runs
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
            click.echo(json.dumps(answer))
        if unread:
            click.echo(f'{unread} of the lines could not be read; each says why under "cause".', err=True)
        sys.exit(OK)
    body: bytes = source.read()
    if not body.strip() and status is None:
        _fail(BadInput("payload", None, "the text of an error, or --status"), wants_json, BAD_INPUT)
    if not wants_json and diagnosis.is_jsonl(body):
        click.echo("\n\n".join(diagnosis.render_jsonl(body.splitlines())))
        return
    found = diagnosis.explain(body, Evidence(call=call), status=status)
    if wants_json:
        click.echo(json.dumps(diagnosis.plain(None, found.diagnosis), ensure_ascii=False))
    else:
        click.echo(diagnosis.render(found.diagnosis))
        more = [f"{name}: {value}" for name, value in found.fields if name == diagnosis.ALSO]
        more += [unknown.sentence for unknown in found.unknown]
        click.echo("".join(f"\n{line}" for line in more), nl=bool(more))


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

    with _desk(wants_json) as desk:
        code = work.run(desk, exit_when_idle_s=IDLE_EXIT_S if exit_when_idle else None, on_state=say)
    sys.exit(code)


main.add_command(demo_tenant)


# --- shared ----------------------------------------------------------------------------------------------------------


def _plan(path: str, wants_json: bool) -> PlanRequest:
    """The plan in that file (`-`: standard input). Wrong words are said before the tenant is asked anything."""
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
def _desk(wants_json: bool, *, start_demo: bool = False, history: bool = False) -> Iterator[Desk]:
    """A Desk for one command; refusals become a sentence (or JSON) and an exit code.

    With `start_demo` the demo tenant that a stopped `make run` left behind runs for the length of the command. With
    `history` a tenant that does not answer is no fault, but said.
    """
    try:
        chosen = settings.load()
        with contextlib.ExitStack() as stack:
            if start_demo:
                stack.enter_context(launcher.demo_for_a_while(chosen))
            desk = stack.enter_context(contextlib.closing(Desk.open(chosen, history=history)))
            if history and desk.no_answer is not None:
                click.echo(f"{desk.no_answer} This is the history that the desk holds of it.", err=True)
            yield desk
    except BadInput as error:
        _fail(error, wants_json, BAD_INPUT)
    except (Refused, NotAllowed) as error:
        _fail(error, wants_json, REFUSED)
    except NotFound as error:
        _fail(error, wants_json, BAD_INPUT)
    except DeskError as error:
        _fail(error, wants_json, SOME_FAILED)


def _fail(error: DeskError, wants_json: bool, code: int) -> NoReturn:
    if wants_json:
        say_json(refusal_of(error))
    else:
        complain(error)
    sys.exit(code)


def _actor() -> Actor:
    """Whoever holds the client secret acts with its rights; the OS user is recorded."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown user"
    return Actor(subject=f"os:{user}", name=f"{user} (command line)", role=Role.ADMIN)


def _can_work(desk: Desk) -> bool:
    """Whether a worker is alive or can be started here: beside PostgreSQL whoever runs the workers starts them."""
    return desk.settings.embedded or desk.worker_alive()


def _ensure_worker(desk: Desk) -> int | None:
    """The process id of a worker that was started for this command; None where one is alive."""
    if desk.worker_alive() or not desk.settings.embedded:
        return None
    return launcher.ensure_worker(desk.settings, "--exit-when-idle")


@contextlib.contextmanager
def _worker(desk: Desk, *, keep: bool) -> Iterator[None]:
    """A live worker for the length of a command; one that was started for it stays only as long as it is needed."""
    pid = _ensure_worker(desk)
    try:
        yield
    finally:
        if pid is not None and not keep and not desk.operations(states=OPEN_STATES):
            launcher.stop(pid)


def _wait(desk: Desk, operation_id: str, *, until_restored: bool) -> OperationView:
    """Polls until the operation is settled: everybody out or, `until_restored`, everybody back.

    A worker that dies meanwhile is replaced, where this command may start one.
    """
    try:
        return _poll(desk, operation_id, until_restored)
    except KeyboardInterrupt:
        raise DeskError(
            f"You stopped waiting; the operation {operation_id} goes on by itself. "
            f"To put everybody back now: {launcher.command_line(desk.settings)} restore {operation_id}"
        ) from None


def _poll(desk: Desk, operation_id: str, until_restored: bool) -> OperationView:
    last_seen = replaced = time.monotonic()
    while True:
        view = desk.operation(operation_id)
        if _settled(view, until_restored):
            return view
        now = time.monotonic()
        if desk.worker_alive():
            last_seen = now
        elif now - replaced > REPLACE_WORKER_S:
            replaced = now
            _ensure_worker(desk)
        if now - last_seen > WORKER_PATIENCE_S:
            raise DeskError(
                f"No worker has been alive for {WORKER_PATIENCE_S:.0f} s. The operation {operation_id} is kept and goes on "
                f"when one is started: {launcher.command_line(desk.settings)} worker. Its log: "
                f"{desk.settings.data_dir / 'worker.log'}"
            )
        time.sleep(POLL_S)


def _settled(view: OperationView, until_restored: bool) -> bool:
    operation = view.operation
    if operation.restore_requested and operation.state is OperationState.CORRECTED:
        return False  # the undoing of a correction has not begun
    if operation.restore_requested and operation.state in (OperationState.HALTED, OperationState.CANCELLED):
        return not any(view.counts.restore.get(state, 0) for state in (ItemState.PENDING, ItemState.SENDING))
    if operation.state in UNFINISHED or operation.state is OperationState.SCHEDULED or operation.restore_requested:
        return operation.state not in OPEN_STATES
    return not (until_restored and operation.state is OperationState.IN_EFFECT)


def _all_out(desk: Desk, view: OperationView) -> bool:
    """Whether every agent that was ready was taken out. Who was found blocked at the start was not ready any more."""
    counts, operation = view.counts, view.operation
    if any(counts.apply.get(state, 0) for state in UNDONE):
        return False
    if not counts.apply.get(ItemState.SKIPPED, 0):
        return True
    after = 0
    while page := desk.items(operation.id, apply_states=[ItemState.SKIPPED], after_seq=after, limit=5_000):
        if any(item.skip_reason in NEVER_SENT for item in page):
            return False
        after = page[-1].seq
    return True


def _all_back(view: OperationView) -> bool:
    """Whether nobody is out any more who should be back. Agents that were left as they are were looked at and are right."""
    if view.operation.state in OPEN_STATES and view.operation.state is not OperationState.FAILED_IN_PART:
        return True  # in effect: they are to be out
    return not any(view.counts.restore.get(state, 0) for state in (ItemState.FAILED, ItemState.UNCONFIRMED))
