"""What the cells of a file of runs say of its columns: the time, the agent, the status; and where they leave a doubt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from wfm.files.agent_words import EMAIL, GUID, bare_word, is_sure, likeness
from wfm.files.column_headers import Whose, column_key, whose
from wfm.files.imports.cell_values import NoTime, instant, status_of, text_of_value
from wfm.files.imports.column_mapping import flat, may_be_status

_SHARE = 0.8
"""Of a column's cells that must be of one kind."""
_ANSWERS = frozenset(
    map(str, (200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 429, 500, 502, 503, 504))
)
_MAY_BE_WHO_DID_IT = frozenset({"user", "userid", "username", "name", "email"})
"""Heads of an agent that stand above who did it just as well (“User, Action, Target”)."""
_MAX_OBJECT = 20_000

Known = Callable[[str], object]
"""Whom of the tenant a cell names: the same for the same agent, nothing true for nobody."""
Cells = Mapping[str, Sequence[str]]
"""The cells of a column, by row; "" where nothing stands."""


def mapping_by_cells(cells: Cells, mapping: Mapping[str, str], known: Known, note: Callable[[str], None]) -> dict[str, str]:
    """The mapping with what the cells say beyond doubt and no name does: the time, the agent, the status.

    Of two columns that may be the agent neither is taken, which `note` is told in a sentence.
    """
    found = status_by_values(cells, mapping)
    free = {column: texts for column, values in cells.items() if column not in found.values() and (texts := _filled(values))}
    for meaning, is_one in (("time", _is_time), ("status", lambda cell: cell.strip() in _ANSWERS)):
        fit = [] if meaning in found else [one for one, texts in free.items() if _most(is_one, texts)]
        if len(fit) == 1:
            found[meaning] = fit[0]
            del free[fit[0]]
    mapped = [found[meaning] for meaning in ("agent", "agent_id") if meaning in found]
    may = [one for one in free if not whose(one).is_other and _hold_people(free[one], known, sure=bool(mapped))]
    return _with_agent(found, mapped, may, cells, known, note)


def status_by_values(cells: Cells, mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping with the column as status whose values are HTTP statuses, where those of the named one are words."""
    found = dict(mapping)
    named = found.get("status", "")
    if named and any(status_of(cell) is not None for cell in _filled(cells.get(named, ()))):
        return found
    better = (
        one for one, values in cells.items() if one != named and may_be_status(one) and _most(_is_status, _filled(values))
    )
    column = next(better, None)
    if column is not None and column not in found.values():
        found["status"] = column
        if named:
            found.setdefault("outcome", named)
    return found


def opened(record: Mapping[str, object]) -> Mapping[str, object]:
    """A row with the members of the JSON objects in its cells beside them: `http.status` of `{"status": 403}`."""
    objects = {name: value for name, cell in record.items() if (value := _object(cell)) is not None}
    return {**flat(objects)[0], **record} if objects else record


def _object(cell: object) -> Mapping[str, object] | None:
    if not isinstance(cell, str) or len(cell) > _MAX_OBJECT or not cell.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def cells_of(records: Iterable[Mapping[str, object]], without: Iterable[str] = ()) -> Cells:
    """The cells of records by column, but of columns that hold objects (`without`)."""
    records, left = list(records), frozenset(without)
    columns = dict.fromkeys(name for record in records for name in record if name not in left)
    return {one: [text_of_value(record.get(one)) for record in records] for one in columns}


# --- the agent -----------------------------------------------------------------------------------------------------------


def _with_agent(
    found: dict[str, str], mapped: Sequence[str], may: Sequence[str], cells: Cells, known: Known, note: Callable[[str], None]
) -> dict[str, str]:
    if not mapped:
        one = _one_of(may, cells, known)
        if one is not None:
            is_id = _most(lambda cell: GUID.fullmatch(bare_word(cell)) is not None, _filled(cells[one]))
            found["agent_id" if is_id else "agent"] = one
        elif may:
            note(f"“{may[0]}” and “{may[1]}” both hold people: neither is taken as the agent. Choose which column it is.")
        return found
    others = [one for one in may if _differ(one, mapped, cells, known)]
    if others and (whose(others[0]) is Whose.AGENT or {column_key(one) for one in mapped} & _MAY_BE_WHO_DID_IT):
        note(
            f"“{mapped[0]}” and “{others[0]}” hold different people: neither is taken as the agent. Choose which column it is."
        )
        return {meaning: column for meaning, column in found.items() if column not in mapped}
    if others:
        note(f"“{others[0]}” holds other people than “{mapped[0]}”, which is taken as the agent. Choose another if it is not.")
    return found


def _one_of(columns: Sequence[str], cells: Cells, known: Known) -> str | None:
    """The one column of several that names the agents; None where two name different people."""
    agents = [one for one in columns if whose(one) is Whose.AGENT]
    fit = agents or list(columns)
    return fit[0] if fit and not any(_differ(other, fit[:1], cells, known) for other in fit[1:]) else None


def _hold_people(texts: Sequence[str], known: Known, *, sure: bool) -> bool:
    """Whether cells name people. With `sure` only cells of their form are looked up: for most files none is."""

    def names(cell: str) -> bool:
        if EMAIL.fullmatch(bare_word(cell)):
            return True
        return bool((not sure or is_sure(cell) or (" " in cell.strip() and likeness(cell) == "name")) and known(cell))

    return _most(names, texts)


def _differ(one: str, others: Sequence[str], cells: Cells, known: Known) -> bool:
    """Whether a column names other people than any of these, as far as both can be read."""
    both = [
        (first, [second for other in others if (second := _who(cells[other][row], known))])
        for row, cell in enumerate(cells[one])
        if (first := _who(cell, known))
    ]
    both = [(first, seconds) for first, seconds in both if seconds]
    return bool(both) and sum(first in seconds for first, seconds in both) < len(both) * _SHARE


def _who(cell: str, known: Known) -> object:
    bare = bare_word(cell)
    return cell and (known(cell) or (bare.casefold() if EMAIL.fullmatch(bare) else None))


# --- cells ---------------------------------------------------------------------------------------------------------------


def _filled(values: Iterable[str]) -> list[str]:
    return [cell for cell in values if cell.strip()]


def _most(is_one: Callable[[str], bool], texts: Sequence[str]) -> bool:
    return bool(texts) and sum(map(is_one, texts)) >= len(texts) * _SHARE


def _is_status(cell: str) -> bool:
    return status_of(cell) is not None


def _is_time(cell: str) -> bool:
    if len(cell.strip()) < 10:  # a bare number may be anything
        return False
    try:
        instant(cell, None)
    except NoTime as error:
        return error.needs_zone
    return True
