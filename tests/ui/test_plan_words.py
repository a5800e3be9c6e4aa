"""What the Plan screen says of a list."""

from __future__ import annotations

from wfm.domain.agent_lists import EVERY_COLUMN, AgentList, ListColumn
from wfm.ui.screens.plan.sentences import above_line, column_labels


def a_list(*columns: ListColumn, above: tuple[int, ...] = ()) -> AgentList:
    return AgentList(columns=columns, chosen=None, reason="", above=above, words=(), bad=(), is_table=True)


def test_columns_are_offered_with_what_they_hold() -> None:
    both = (
        ListColumn(index=2, name="Agent", people=48, filled=50),
        ListColumn(index=0, name="Team " * 20, people=0, filled=50),
    )
    assert column_labels(a_list(*both, above=(1,))) == {2: "Agent · 48 of 50", 0: f"{('Team ' * 20)[:60]} · 0 of 50"}


def test_all_columns_together_are_offered_where_several_hold_people() -> None:
    both = (ListColumn(index=0, name="column 1", people=2, filled=2), ListColumn(index=1, name="column 2", people=2, filled=2))
    assert list(column_labels(a_list(*both))) == [0, 1, EVERY_COLUMN]
    assert list(column_labels(a_list(*both, above=(1,)))) == [0, 1, EVERY_COLUMN], "columns of the same people, with gaps"
    assert list(column_labels(a_list(both[0]))) == [0]


def test_lines_above_the_rows_are_named() -> None:
    assert above_line(()) == ""
    assert above_line((1,)) == "Line 1 is the heading."
    assert above_line((1, 2, 4)) == "Lines 1 to 4 are title and heading."
