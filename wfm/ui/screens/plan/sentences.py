"""What the Plan screen says of a list of agents, as values."""

from __future__ import annotations

from wfm.domain.agent_lists import EVERY_COLUMN, AgentList
from wfm.ui.components.sentences import format_number


def column_labels(found: AgentList) -> dict[int, str]:
    """The columns to choose from, by index, with what they hold; also all columns together."""
    labels = {
        one.index: f"{one.name[:60]} · {format_number(one.people)} of {format_number(one.filled)}" for one in found.columns
    }
    if sum(one.people > 0 for one in found.columns) > 1:
        labels[EVERY_COLUMN] = "every agent in any column"
    return labels


def above_line(above: tuple[int, ...]) -> str:
    """Which lines were read as title and head, and so name nobody; "" for none."""
    if not above:
        return ""
    if len(above) == 1:
        return f"Line {above[0]} is the heading."
    return f"Lines {above[0]} to {above[-1]} are title and heading."
