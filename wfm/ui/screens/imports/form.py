"""The widgets of the import screen: where from, what each column means, the sample, progress and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from wfm.desk import Desk, ImportFormat, ImportPreview, ImportReport
from wfm.domain.errors import BadInput, DeskError, Refused
from wfm.domain.imported_runs import FIELDS
from wfm.domain.people import Actor
from wfm.domain.sentences import format_number, join_words, quantity
from wfm.ui.components import messages, times, upload
from wfm.ui.components.markdown import code, escape_markdown
from wfm.ui.components.tables import table_height
from wfm.ui.screens.imports import model
from wfm.ui.shell import jobs
from wfm.ui.shell.navigation import page

POLL_S = 1.0
_ROUND, _WHERE = "import-round", "import-where"
_TABLE_ROWS = 8


def job_key(actor: Actor) -> str:
    """One import a person at a time."""
    return f"import:{actor.subject}"


# --- where from ---------------------------------------------------------------------------------------------------------


def chosen_way() -> ImportFormat:
    labels = {fmt: way.label for fmt, way in model.WAYS.items()}
    chosen = st.segmented_control(
        "From", list(labels), format_func=labels.__getitem__, default=ImportFormat.CSV, key="import-from", required=True
    )
    return chosen or ImportFormat.CSV


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be imported: its bytes, the file's name ("" for a paste), and a word for exactly this content."""

    fmt: ImportFormat
    content: bytes
    name: str
    mark: str


def source(fmt: ImportFormat) -> Given | None:
    """The widget that takes a file or a paste; None while nothing is given."""
    way = model.WAYS[fmt]
    turn = int(st.session_state.get(_ROUND, 0))
    st.caption(f"{way.what} {model.limit_text(way)}")
    if fmt is ImportFormat.PAYLOADS:
        text = st.text_area("What to import", key=f"import-paste-{turn}", height=180, max_chars=model.MAX_PASTE)
        return Given(fmt, text.encode("utf-8", "replace"), "", "paste") if text.strip() else None
    given = upload.file("File", way.endings, key=f"import-file-{fmt.value}-{turn}", max_mb=way.max_mb)
    return Given(fmt, given.getvalue(), given.name, given.file_id) if given is not None else None


# --- what it means ------------------------------------------------------------------------------------------------------


def read_preview(desk: Desk, given: Given) -> tuple[ImportPreview, tuple[Mapping[str, str] | None, str]]:
    """The preview with what was chosen by hand, and that: mapping (None: as recognised) and zone. Raises DeskError."""
    content, fmt, mark = given.content, given.fmt, given.mark
    zone_key = f"import-zone-{mark}"
    zone = str(st.session_state.get(zone_key) or "")
    guess = desk.imports.preview(BytesIO(content), fmt, zone=zone)
    mapping = _mapping(guess, mark) if guess.columns else None
    preview = desk.imports.preview(BytesIO(content), fmt, mapping, zone=zone) if mapping is not None else guess
    if preview.zone_needed or zone:
        here = times.viewer_zone().key
        zones = [here, *sorted(available_timezones() - {here})]
        st.selectbox(
            "The times have no zone. Which zone are they in?",
            zones,
            index=None,
            key=zone_key,
            placeholder="Choose, for example " + here,
            width=320,
            help="Without a zone these lines are left out: an hour too early or too late would be a wrong history.",
        )
    return preview, (mapping, zone)


def _mapping(guess: ImportPreview, mark: str) -> dict[str, str] | None:
    """What each column means, to be corrected by hand. None where it is as recognised."""
    recognised = sum(1 for meaning in guess.mapping if meaning in FIELDS)
    st.markdown(f"**{recognised} of {quantity(len(guess.columns), 'column')} recognised** :gray[change what is wrong]")
    chosen: dict[str, str] = {}
    _choices(model.MAIN, guess, mark, chosen)
    rest = tuple(meaning for meaning in FIELDS if meaning not in model.MAIN)
    found = sum(1 for meaning in rest if meaning in guess.mapping)
    with st.expander(f"{quantity(len(rest), 'more field')} ({format_number(found)} recognised)"):
        _choices(rest, guess, mark, chosen)
    unused = model.left_out(guess.columns, chosen)
    if unused:
        more = f" and {format_number(len(unused) - 12)} more" if len(unused) > 12 else ""
        st.caption(f"Left out: {join_words([code(name) for name in unused[:12]])}{more}.")
    return None if chosen == dict(guess.mapping) else chosen


def _choices(meanings: tuple[str, ...], guess: ImportPreview, mark: str, chosen: dict[str, str]) -> None:
    with st.container(horizontal=True, gap="small"):
        for meaning in meanings:
            key = f"import-{meaning}-{mark}"
            # Not as `index`: a box that begins with a choice can't be emptied by hand.
            if key not in st.session_state:
                st.session_state[key] = guess.mapping.get(meaning)
            column = st.selectbox(
                model.meaning_label(meaning),
                guess.columns,
                index=None,
                key=key,
                placeholder="no column",
                width=205,
            )
            if column is not None:
                chosen[meaning] = column


def sample(preview: ImportPreview, zone: ZoneInfo) -> None:
    """The first runs as they will be, and the first lines that can't be read."""
    for note in preview.notes:
        st.info(escape_markdown(note), icon=":material/info:")
    st.markdown(f"**{model.preview_text(preview)}**")
    if preview.rows:
        st.dataframe(
            model.sample(preview.rows, zone),
            hide_index=True,
            height=table_height(len(preview.rows), _TABLE_ROWS),
            placeholder="–",
            alt="The first runs of the file as they will stand in the history",
            column_config={
                "line": st.column_config.NumberColumn("line", width=48),
                "time": st.column_config.DatetimeColumn(f"time ({zone.key})", format="DD MMM YYYY HH:mm:ss", width=168),
                "status": st.column_config.NumberColumn("status", format="%d", width=54),
                "outcome": st.column_config.TextColumn("outcome", width=90),
                "code": st.column_config.TextColumn("code", width=120),
                "answer": st.column_config.TextColumn("answer", width=320),
            },
        )
    if preview.problems:
        _problems(preview)


def _problems(found: ImportPreview | ImportReport) -> None:
    problems = list(found.problems)
    st.dataframe(
        model.problems_frame(problems),
        hide_index=True,
        width="content",
        height=table_height(len(problems), _TABLE_ROWS),
        alt="Lines that can't be read, with the reason",
        column_config={
            "line": st.column_config.NumberColumn("line", width=60),
            "why": st.column_config.TextColumn("why it can't be read", width=720),
        },
    )


# --- the import itself --------------------------------------------------------------------------------------------------


def go(desk: Desk, actor: Actor, given: Given, preview: ImportPreview, read_as: tuple[Mapping[str, str] | None, str]) -> None:
    """The button that imports what was given. `read_as` are the mapping and the zone that were chosen."""
    mapping, zone = read_as
    content, name = given.content, given.name
    size = f"{len(content) / model.MEGABYTE:.1f} MB" if len(content) >= model.MEGABYTE / 10 else quantity(len(content), "byte")

    def begin() -> None:
        def work(job: jobs.Job) -> ImportReport:
            def progress(read: int) -> None:
                job.done = read

            return desk.imports.add(
                BytesIO(content), given.fmt, actor, mapping=mapping, progress=progress, zone=zone, name=name
            )

        st.session_state[_WHERE] = model.where(preview.rows)
        read_settings = repr((given.fmt, sorted((mapping or {}).items()), zone)).encode()
        mark = hashlib.sha256(read_settings + b"\0" + content).hexdigest()
        jobs.start(job_key(actor), work, unit=name or model.PASTED, total=len(content), mark=mark)

    st.button(
        f"Import {escape_markdown(name[:40])} ({size})" if name else "Import what is pasted",
        type="primary",
        icon=":material/upload:",
        key="import-go",
        on_click=begin,
        disabled=not preview.rows,
        help=None if preview.rows else "No run can be read yet: change the columns, or choose the zone.",
    )


def running(job: jobs.Job) -> None:
    """How far it is; the screen is drawn again when it is over."""
    st.fragment(_watch, run_every=POLL_S)(job)


def _watch(job: jobs.Job) -> None:
    if not job.running:
        st.rerun()
    share = min(1.0, job.done / job.total) if job.total else 0.0
    megabytes = f"{job.done / model.MEGABYTE:.1f} of {(job.total or 0) / model.MEGABYTE:.1f} MB read"
    st.progress(
        share, text=f"Importing {escape_markdown(job.unit)}: {megabytes}, {times.duration(times.now() - job.started_at)}"
    )
    st.caption("You can leave this screen: the import continues, and the result is shown here.")


def ended(job: jobs.Job, actor: Actor) -> None:
    """What came of it, the lines that could not be read, and where to look."""
    if isinstance(job.fault, Refused):
        st.info(escape_markdown(str(job.fault)), icon=":material/hourglass_top:")
    elif job.fault is not None:
        messages.fault(job.fault, title=f"{job.unit}: the import stopped early")
        st.caption("What was added stays. Import the same file again to add the rest.")
    elif isinstance(job.result, ImportReport):
        report = job.result
        sentence = f"{escape_markdown(job.unit)}: {model.result_text(report)}"
        (st.success if report.added else st.info)(
            sentence, icon=":material/check_circle:" if report.added else ":material/info:"
        )
        for note in report.notes:
            st.caption(f":material/info: {escape_markdown(note)}")
        if report.problems:
            more = report.unreadable - len(report.problems)
            st.markdown("**Lines that can't be read**" + (f" :gray[the first {len(report.problems)}]" if more > 0 else ""))
            _problems(report)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if isinstance(job.result, ImportReport) and job.result.read:
            where = {"time": "all", **st.session_state.get(_WHERE, {})}
            st.page_link(page("runs"), label="See the runs", icon=":material/receipt_long:", query_params=where)
        st.button("Import something else", icon=":material/upload_file:", key="import-again", on_click=_again, args=(actor,))


def _again(actor: Actor) -> None:
    jobs.forget(job_key(actor))
    st.session_state[_ROUND] = int(st.session_state.get(_ROUND, 0)) + 1


def refused(error: DeskError) -> None:
    """A file that can't be used as a whole."""
    messages.fault(error, title="This file can't be imported" if isinstance(error, BadInput) else None)
