"""Cells that no spreadsheet runs as a formula (source: OWASP, CSV injection)."""

from __future__ import annotations

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u200e\u200f"
_UNSEEN_OR_BLANK = _UNSEEN + "".join(chr(n) for n in range(0x3001) if chr(n).isspace())


def _dangerous(value: str) -> bool:
    return value.startswith(_STARTS_FORMULA) or value.lstrip(_UNSEEN_OR_BLANK).startswith(_STARTS_FORMULA)


def safe_cell(value: str) -> str:
    """The text so that no spreadsheet takes it for a formula. Blanks and unseen signs before it do not hide it."""
    if value[:1].isalnum():
        return value  # nearly every cell
    # A text that has the apostrophe already gets one more, so that `original_cell` gives back exactly what there was.
    return "'" + value if _dangerous(value.lstrip("'")) else value


def original_cell(cell: str) -> str:
    """What `safe_cell` was given."""
    return cell[1:] if cell.startswith("'") and _dangerous(cell.lstrip("'")) else cell
