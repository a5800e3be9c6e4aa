"""What stands in a cell, made into a value: instants, whole numbers, HTTP statuses, outcomes, texts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_WORKED = (
    "applied success succeeded ok true completed done passed 1 yes erfolg erfolgreich ja succès réussi oui éxito sí "
    "sucesso sim successo riuscito sì gelukt geslaagd 成功"
)
_FAILED = (
    "failed failure fail error timeout false 0 no fehler fehlgeschlagen fehlschlag nein échec échoué erreur non fallo "
    "fallido erro falha errore fallito fout mislukt 失敗 失败"
)
WORKED = frozenset(_WORKED.split())
FAILED = frozenset(_FAILED.split())
OTHERS = frozenset({"skipped", "unconfirmed", "not applied, sent again"})

_EXCEL_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock: a spreadsheet's days have no zone
_EARLIEST, _LATEST = 2000, 2100
_STATUS = re.compile(r"(?:HTTP(?:/[\d.]+)?[ :]*)?(\d{3})(?:[.,]0+)?(?:[ :\-]+\D.*)?", re.IGNORECASE | re.DOTALL)
_AMOUNT = re.compile(r"([+-]?[\d.,]+(?:e[+-]?\d{1,3})?)\s*(ms|msec|s|sec|seconds?|milliseconds?)?", re.IGNORECASE)
_EXACT_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ,T]+(.+))?")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ ,T]+(.+))?")
_COMPACT = re.compile(r"(\d{8})T?(\d{6})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?")
_CLOCK = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([AP]\.?M\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_COMPLAINS = re.compile(
    r"\b(?:error|fail(?:ed|ure)?|exception|denied|forbidden|unauthori[sz]ed|not[ _]found|time[d -]?out|missing|invalid|"
    r"insufficient|unavailable|refused|rejected|too many requests|fehler\w*|4\d\d|5\d\d)\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"(:\d{2}),(\d{1,9})")
_MONTHS = ("%b %d %Y %H:%M:%S", "%b %d %Y %I:%M:%S %p", "%d %b %Y %H:%M:%S", "%B %d %Y %H:%M:%S", "%B %d %Y %I:%M:%S %p")


class NoTime(ValueError):
    """A sentence: why a cell is no instant. `needs_zone` when it is one on a wall clock without a place."""

    def __init__(self, sentence: str, *, needs_zone: bool = False) -> None:
        self.needs_zone = needs_zone
        super().__init__(sentence)


def instant(value: object, zone: ZoneInfo | None) -> datetime:
    """An aware UTC instant: ISO 8601, seconds, milliseconds, micro- or nanoseconds since 1970, dates of several habits.

    A time that names no zone is on the wall clock of `zone`; without one it is nobody's. Where the clocks go back the
    first of the two is meant. Raises NoTime.
    """
    given = str(value).strip()
    shown = given[:40]
    try:
        found = _read(value, given)
        if found is None:
            raise NoTime(f"The time “{shown}” can't be read; a run needs one such as 2026-11-23T14:30:00Z.")
        if found.tzinfo is None:
            if zone is None:
                sentence = f"The time “{shown}” names no zone. Say which zone the times of the file are in."
                raise NoTime(sentence, needs_zone=True)
            local = found.replace(tzinfo=zone)
            found = local.astimezone(UTC)
            if found.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                raise NoTime(f"The time “{shown}” does not exist in {zone.key}: the clocks skip it.")
        found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        if isinstance(error, NoTime):
            raise
        raise NoTime(f"The time “{shown}” can't be read; a run needs one such as 2026-11-23T14:30:00Z.") from None
    if not _EARLIEST <= found.year < _LATEST:
        raise NoTime(f"The time “{shown}” is not between the years {_EARLIEST} and {_LATEST}.")
    return found


def _read(value: object, given: str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if given[4:5] == "-":
        return _iso(given)
    compact = _COMPACT.fullmatch(given)
    if compact and not isinstance(value, int | float):
        return datetime.fromisoformat(f"{compact[1]}T{compact[2]}{compact[3] or ''}")
    number = _number_in(given)
    if number is not None:
        return _counted(number)
    for pattern in (_DOTTED, _SLASHED):
        if found := pattern.fullmatch(given):
            return _by_day_and_month(found, slashed=pattern is _SLASHED)
    return _in_words(given)


def _iso(given: str) -> datetime | None:
    text = _FRACTION.sub(r"\1.\2", given)
    for name in (" UTC", " GMT", " Z"):
        if text.endswith(name):
            text = text.removesuffix(name) + "Z"
    return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))


def _number_in(given: str) -> float | None:
    try:
        return float(given.replace(",", "."))
    except ValueError:
        return None


def _counted(number: float) -> datetime:
    """Since 1970, by its size; a small number is a spreadsheet's day."""
    if 36_000 < number < 74_000:
        return _EXCEL_DAY_0 + timedelta(seconds=round(number * 86_400, 3))
    for limit, unit in ((1e11, 1), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9)):
        if number < limit:
            return datetime.fromtimestamp(round(number / unit, 6), UTC)
    raise ValueError("too large")


def _by_day_and_month(found: re.Match[str], *, slashed: bool) -> datetime | None:
    first, second, year, clock = int(found[1]), int(found[2]), int(found[3]), found[4] or "00:00"
    day, month = first, second
    at = _CLOCK.fullmatch(clock)
    if at is None:
        return None
    if slashed:
        if at[5] or second > 12:  # am and pm are said where months come first
            day, month = second, first
        elif first <= 12 and first != second:
            raise NoTime(f"The date “{found[0][:10]}” may be the {first}. of month {second} or the other way round.")
    hour = int(at[1]) % 12 + (12 if at[5][:1] in "pP" else 0) if at[5] else int(at[1])
    micro = int((at[4] or "0").ljust(6, "0")[:6])
    wall = datetime(year, month, day, hour, int(at[2]), int(at[3] or 0), micro)  # noqa: DTZ001 - its zone comes next
    if not at[6]:
        return wall
    return datetime.fromisoformat(f"{wall.isoformat()}{'Z' if at[6][0].isalpha() else at[6]}")


def _in_words(given: str) -> datetime | None:
    spaced = " ".join(given.replace(",", " ").split())
    zone = "Z" if spaced.endswith((" UTC", " GMT", "Z")) else ""
    bare = spaced.removesuffix(" UTC").removesuffix(" GMT").removesuffix("Z")
    for form in _MONTHS:
        try:
            found = datetime.strptime(bare, form)  # noqa: DTZ007 - its zone is added here, or said to be missing
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if zone else found
    try:
        found = parsedate_to_datetime(given)
    except (TypeError, ValueError, IndexError):
        return None
    return found if not given.rstrip().endswith("-0000") else found.replace(tzinfo=UTC)


def number_of(value: object, *, decimal_comma: bool = False) -> float | None:
    """A number, with decimal point or comma. `decimal_comma` decides “1,234”, which may be either."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    return _number(str(value).strip().replace("\u00a0", "").replace("'", ""), decimal_comma=decimal_comma)


def _number(text: str, *, decimal_comma: bool) -> float | None:
    if "," in text and "." in text:
        last = max(text.rfind(","), text.rfind("."))
        text = re.sub(r"[.,]", "", text[:last]) + "." + text[last + 1 :]
    elif alike := _EXACT_THOUSANDS.fullmatch(text):
        mark = alike[1]
        thousands = text.count(mark) > 1 or (mark == ",") != decimal_comma
        text = text.replace(mark, "") if thousands else text.replace(",", ".")
    else:
        text = text.replace(",", ".")
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found == found and abs(found) < 1e300 else None


def milliseconds(value: object, *, decimal_comma: bool = False) -> int | None:
    """A duration in milliseconds, None where none can be read. “1.5 s” is 1,500; less than nothing is nothing."""
    unit = 1.0
    if isinstance(value, str) and (found := _AMOUNT.fullmatch(value.strip())) and found[2]:
        value, unit = found[1], 1.0 if found[2].lower().startswith("m") else 1_000.0
    number = number_of(value, decimal_comma=decimal_comma)
    return None if number is None else int(max(0.0, min(number * unit, 2e9)))


def status_of(value: object) -> int | None:
    """An HTTP status from 100 to 599: 403, “403.0”, “HTTP/1.1 403 Forbidden”. None for what is none."""
    found = _STATUS.fullmatch(str(value).strip())
    number = int(found[1]) if found else 0
    return number if 100 <= number <= 599 else None


def outcome_of(given: object, status: int | None, code: str) -> str:
    """applied, failed, skipped or unconfirmed. An error status outranks the word."""
    word = text_of_value(given).strip().casefold()
    if word in OTHERS:
        return word
    if word in FAILED or (status is not None and status >= 400):
        return "failed"
    if word in WORKED or (status is not None and status < 400 and not code):
        return "applied"
    return "failed" if code else "unconfirmed"


def complains(text: str) -> bool:
    """Whether a text tells of something that went wrong."""
    return _COMPLAINS.search(text) is not None


def text_of_value(value: object) -> str:
    """Text as a database can hold it: no zero characters, no half ones. Anything but text becomes JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    try:
        return json.dumps(value, ensure_ascii=False).replace("\\u0000", "").encode("utf-8", "replace").decode()
    except (ValueError, RecursionError):
        return str(value)[:1_000]
