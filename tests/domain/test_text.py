"""Texts of others: what is refused, and what is shown so that it can do nothing."""

from __future__ import annotations

import io
import logging
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfm.domain.errors import BadInput, DeskError, NotFound, Refused, StoreFault, refuse_controls
from wfm.domain.text import MAX_NAME, MAX_SENTENCE, InertFormatter, echoed, inert, isolated, neutral, shortened, shown
from wfm.genesys.errors import BadRequest

NASTY = ["\x1b[31m", "\x9b31m", "\x07", "\x00", "\x7f", "\x85", "\x90q\x9c", "\x08", "\ud83d"]
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
any_text = st.text(st.characters(categories=["L", "N", "P", "Z", "Cc", "Cf", "Cs"]), max_size=40)
with_signs = st.lists(st.sampled_from([*NASTY, *TURNING, "\u2068", "\u2069", "\u200f", "a", "שלום", "1", " ", "\n"])).map(
    "".join
)


def controls(text: str) -> list[str]:
    return [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")]


def balanced(text: str) -> bool:
    """Whether every isolate ends inside the text, and no stray end closes one that began before it."""
    depth = 0
    for sign in text:
        depth += (sign == "\u2068") - (sign == "\u2069")
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("sign", [*NASTY, "\u2028"])
def test_control_characters_are_refused_by_the_name_of_their_field(sign: str) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_controls("ticket", f"CHG-1{sign}")
    assert str(refused.value).startswith("ticket: “CHG-1")
    assert not controls(str(refused.value))
    if sign != "\u2028":
        with pytest.raises(BadInput):
            refuse_controls("comment", f"one\ntwo{sign}", lines=True)


def test_what_people_write_is_not_refused() -> None:
    for text in ("", "Ünïcödé – שלום", "👩‍💻 family", "a\u200fb", "non\u00a0breaking"):
        refuse_controls("reason", text)
    refuse_controls("comment", "two\r\n\tlines", lines=True)
    with pytest.raises(BadInput):
        refuse_controls("reason", "two\nlines")


@given(any_text | with_signs)
def test_what_is_shown_holds_no_control_and_turns_nothing_round(text: str) -> None:
    for form in (shown(text), echoed(text), isolated(inert(text))):
        assert not controls(form)
        assert not set(form) & set(TURNING)
        assert balanced(form)
    if not set(text) & set("\u2068\u2069"):
        assert isolated(isolated(text)) == isolated(text)
    assert neutral(neutral(text)) == neutral(text)
    assert not [sign for sign in controls(inert(text, lines=True)) if sign not in "\t\n\r\u2028\u2029"]


def test_controls_are_seen() -> None:
    assert inert("a\x1b[31m\x9b\x00\x7f\ud83d") == "a␛[31m\\x9b␀␡\\ud83d"
    assert inert("one\ttwo\n", lines=True) == "one\ttwo\n"
    assert inert("one\ttwo\n") == "one␉two␊"


def test_a_name_is_isolated_and_every_other_stays_as_it_is() -> None:
    assert shown("Aylin Yılmaz · Support 2") == "Aylin Yılmaz · Support 2"
    assert shown("דנה") == "\u2068דנה\u2069"
    assert shown("gpj.\u202eexe") == "\u2068gpj.\ufffdexe\u2069"
    assert shown("a\u2069b\u2068c") == "\u2068a\ufffdb\u2068c\u2069\u2069"


def test_a_text_of_any_length_is_shown_by_its_two_ends() -> None:
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcde…hijk"
    assert len(shown("x" * 200_000)) == MAX_NAME


HUGE = "x" * 100_000 + "\x1b[31m" + "y" * 100_000


@pytest.mark.parametrize(
    "error",
    [
        BadInput("id", HUGE, "an id"),
        BadInput(HUGE, "given", HUGE),
        NotFound(f"There is no run {HUGE} in this tenant."),
        Refused("state", f"“{HUGE}” is over."),
        StoreFault(HUGE),
        DeskError(" ".join(["word"] * 50_000)),
        BadRequest("GET /x", status=400, message=HUGE, code=HUGE, correlation_id=HUGE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_echoes_without_bound_or_steers_a_terminal(error: DeskError) -> None:
    said = str(error)
    assert len(said) <= MAX_SENTENCE
    assert not controls(said)


def test_what_a_refusal_lists_is_bounded_too_and_a_short_sentence_is_as_it_was_given() -> None:
    refused = Refused("stale", "It changed.", (HUGE, "one"))
    assert len(refused.differences[0]) <= MAX_SENTENCE
    assert (str(refused), refused.differences[1]) == ("It changed.", "one")
    said = str(NotFound(f"There is no run '{HUGE}' in this tenant."))
    assert re.fullmatch(r"There is no run '\w+…\w+' in this tenant\.", said)


def test_a_log_line_stays_one_line_and_a_traceback_keeps_its_own() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(InertFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("agent %s", "Bo\x1b[2J\nERROR nothing")
    try:
        raise ValueError("\x9b31m")
    except ValueError:
        logger.exception("it failed")
    first, second, *rest = stream.getvalue().splitlines()
    assert first == "WARNING agent Bo␛[2J␊ERROR nothing"
    assert second == "ERROR it failed"
    assert len(rest) > 2
    assert not controls("".join(rest))
