"""Numbers and words in sentences for people: one spelling for screens, the command line and events."""

from __future__ import annotations

from collections.abc import Sequence


def format_number(value: int) -> str:
    """A number with commas between thousands: "12,431"."""
    return f"{value:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """The word that fits the number: plural(1, "is", "are") is "is". Without `many` an "s" is added."""
    return one if number == 1 else many or f"{one}s"


def quantity(number: int, one: str, many: str = "") -> str:
    """A number with its word: "1 run", "2,012 agents"."""
    return f"{format_number(number)} {plural(number, one, many)}"


def first_of(words: Sequence[str], most: int, note: str = "") -> str:
    """At most so many words, and how many more there are: "a, b and 1,204 more"; a `note` follows those."""
    more = len(words) - most
    shown = ", ".join(words[:most])
    return f"{shown} and {format_number(more)} more{note}" if more > 0 else shown


def join_words(words: Sequence[str], joint: str = "and") -> str:
    """Words as a person lists them: "a, b and c"."""
    return f"{', '.join(words[:-1])} {joint} {words[-1]}" if len(words) > 1 else "".join(words)
