"""What a filter names that this tenant does not have: the screen leaves it out, a file is not made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from wfm.domain.agents import GroupKind
from wfm.domain.errors import DeskError, NotFound
from wfm.ui.components.run_query import Problem, RunQuery

if TYPE_CHECKING:
    from wfm.desk import Desk


def without_unknown(desk: Desk, query: RunQuery) -> tuple[RunQuery, tuple[Problem, ...]]:
    """The query without what this tenant does not have, and each such part.

    A desk that can't say just now leaves it in: the list says what is wrong. Agents are not asked for: the history outlives
    the people in it.
    """
    chosen = query.chosen
    problems: list[Problem] = []
    for name, attribute, there, what in (
        ("team", "team", _is_team, "team in this tenant now"),
        ("operation", "operation_id", _is_operation, "operation in this tenant"),
        ("failure", "fingerprint", _is_failure, "failure group in this tenant"),
    ):
        value = getattr(chosen, attribute)
        if value and not there(desk, value):
            problems.append(Problem(f"The address says {name}=“{value[:40]}”, but there is no such {what}"))
            chosen = replace(chosen, **{attribute: None})  # type: ignore[arg-type]  # each of them may be None
    return replace(query, chosen=chosen), tuple(problems)


def _is_operation(desk: Desk, operation_id: str) -> bool:
    return _is_there(lambda: desk.windows.get(operation_id))


def _is_failure(desk: Desk, fingerprint: str) -> bool:
    return _is_there(lambda: desk.failures.get(fingerprint))


def _is_there(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except NotFound:
        return False
    except DeskError:
        return True
    return True


def _is_team(desk: Desk, name: str) -> bool:
    def ask() -> None:
        if not any(group.kind is GroupKind.TEAM and name in (group.id, group.name) for group in desk.agents.directory().groups):
            raise NotFound(f"There is no team {name!r}.")

    return _is_there(ask)
