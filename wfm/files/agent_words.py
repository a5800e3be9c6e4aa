"""Words that name agents, as files and people write them: ids, e-mails and names, and what stands around them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

EMAIL = re.compile(r"[^\s<>,;:\"“”()\[\]{}|@/]+@[^\s<>,;:\"“”()\[\]{}|@/]+")
GUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
HEX_GUID = re.compile(r"\b[0-9a-fA-F]{32}\b")
"""A GUID without its dashes."""
_BREAKS = re.compile(r"[\n\r\v\f\t;|\u2028\u2029；]+")
_COMMAS = re.compile(r"[,，、]+")
_QUOTES = "\"'“”„‟‘’‚‛«»`´"
_PAIRS = frozenset({"{}", "<>", "()", "[]", "＜＞", "「」"})
_MARK = re.compile(r"[^\w .#&+/-]|^\s|\s$")
GUID_LENGTH, HEX_LENGTH = 36, 32
MAX_LIKE = 120
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Signs without a shape, which travel along when people copy."""
_PREFIX = re.compile(r"(?:mailto|smtp|sip):", re.IGNORECASE)
_BESIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])$")
_NUMBER = re.compile(r"^(?:[-*•·]\s+|[(\[]?\d[\d.-]*[)\]]?[\s:.)/|–—-]+)|[\s:/|–—-]+[(\[#№]*\d[\d.-]*[)\]]?$")
_JOINED = re.compile(r"\s+(?:and|und|et|y|e|i|en|og|och|&|\+|/|//)\s+|\s*[&/+]\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"urn:[\w:.-]*|(?:https?:/)?/[\w:/#.?=&%+~-]*", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?:,?\s+[^\W\d_][\w'’.-]*){0,3}")
_LOGIN = re.compile(r"(?=.*[^\W\d_])(?=.*[\d._\\])[\w.\\-]+")
_STAFF_NUMBER = re.compile(r"\d{3,12}")
_FORMULA = re.compile(r'=\s*"(.*)"', re.DOTALL)


def fold_name(name: str) -> str:
    """A name for looking up: without case, and without regard to blanks and to how its accents are stored."""
    return " ".join((name if name.isascii() else unicodedata.normalize("NFKC", name)).casefold().split())


def is_bare(text: str) -> bool:
    """Whether a text is one word or name, with nothing around it and no id inside. Most cells are: this is quick."""
    return _MARK.search(text) is None and (len(text) < GUID_LENGTH or GUID.search(text) is None)


def bare_word(text: str) -> str:
    """A word without what stands around it in files: blanks, quotes, brackets, braces, `mailto:`, a formula's mark."""
    if is_bare(text):
        return text
    word = " ".join(_UNSEEN.sub("", text).split()).strip(" ;,")
    if formula := _FORMULA.fullmatch(word):
        word = formula[1]
    while len(word) > 1:
        inner = word.strip(_QUOTES).strip()
        if inner[:1] + inner[-1:] in _PAIRS and len(inner) > 1:
            inner = inner[1:-1].strip()
        inner = _PREFIX.sub("", inner, count=1).strip() if _PREFIX.match(inner) else inner
        if inner[0:1] == "@" and "@" not in inner[1:]:  # “@Bo Lindqvist”
            inner = inner[1:].strip()
        if inner == word:
            break
        word = inner
    return word


def tidy(line: str) -> str:
    """A line without signs that nobody sees, its unbreakable blanks made plain ones."""
    return line if line.isascii() else re.sub(r"[^\S\t]", " ", _UNSEEN.sub("", line))


def as_guid(text: str) -> str:
    """A GUID that is written without dashes, with them; any other text as it is."""
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if HEX_GUID.fullmatch(text) else text


def is_address(text: str) -> bool:
    """Whether a text is the address in which an id stands: `urn:uuid:`, `/api/v2/users/`, a link."""
    return _ADDRESS.fullmatch(text) is not None


def without_number(text: str) -> str:
    """A name without the number of staff or of its line: “Lindqvist, Bo - 7001”, “3. Bo Lindqvist”."""
    return _NUMBER.sub("", text).strip()


def without_remark(text: str) -> tuple[str, str]:
    """A name and what stands in brackets behind it: “Lindqvist, Bo (Care)”; "" where nothing does."""
    found = _BESIDE.search(text)
    return (text, "") if found is None else (text[: found.start()].strip(), found[0].strip(" ()[]"))


def joined(text: str) -> tuple[str, ...]:
    """What stands between “and” and the like; the text alone where nothing of the kind does."""
    return tuple(part for one in _JOINED.split(" ".join(text.split())) if (part := one.strip()))


def likeness(cell: str) -> str:
    """What a cell that names nobody looks like: "name" (or an e-mail), "id" (of another system, a login), or ""."""
    text = without_remark(without_number(bare_word(cell[:MAX_LIKE])))[0]
    if "@" in text and EMAIL.fullmatch(text):
        return "name"
    if len(text) > 1 and _NAME.fullmatch(text) and not text[0].islower() and (" " in text or not any(map(str.isdigit, text))):
        return "name"
    return "id" if _LOGIN.fullmatch(text) or _STAFF_NUMBER.fullmatch(text) else ""


def is_sure(text: str) -> bool:
    """Whether an id or an e-mail stands in a text."""
    return (
        ("@" in text and EMAIL.search(text) is not None) or GUID.search(text) is not None or HEX_GUID.search(text) is not None
    )


def sure_words(text: str) -> tuple[str, ...]:
    """The e-mails and ids in a text, each once: what is known by its form alone."""
    found = (
        *(EMAIL.findall(text) if "@" in text else ()),
        *(GUID.findall(text) if len(text) >= GUID_LENGTH else ()),
        *(HEX_GUID.findall(text) if len(text) >= HEX_LENGTH else ()),
    )
    if not found:
        return ()
    return tuple(
        dict.fromkeys(word for one in found if (word := one.strip(f"{_QUOTES}.!?")) and "@" not in (word[0], word[-1]))
    )


def pieces(text: str) -> tuple[str, ...]:
    """What stands between line breaks, tabs, semicolons and bars."""
    return tuple(piece for part in _BREAKS.split(text) if (piece := part.strip()))


def parts(piece: str) -> tuple[str, ...]:
    """What stands between the commas of a piece."""
    return tuple(part for one in _COMMAS.split(piece) if (part := one.strip()))


def without(text: str, words: Iterable[str]) -> str:
    """A text with these words taken out."""
    for word in words:
        text = text.replace(word, " ")
    return text
