"""Which of the names in a sentence the caller holds, and which it lacks.

A refusal often names both: "requires a:b:edit, you have a:b:view". Names that stand together ("a:b:c, d:e:f and g:h:i")
are judged together, and three questions are asked in turn:

1. Does what directly follows say it? "… is missing", "… -> false": lacked. "… is not enough", "… alone": held.
2. Else the words before, back to the start of the clause: the last telling word counts. A word of holding is overturned
   by a word of need or a negation earlier in the clause: "must have", "no role of yours grants".
3. Nothing told: lacked, since a refusal names what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_RUNS = 60
REACH = 240
"""So many characters before names, and half as many behind, are looked at."""

MAX_JOINT = 40


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A name and where it stands in a text."""

    begin: int
    end: int
    name: str


_RIGHT = r"(?:permissions?|scopes?|rights?|privileges?|authorities|claims|licen[sc]es?)"
_OWNER = r"(?:tokens?|callers?|users?|clients?|roles?|subjects?|sessions?|accounts?)"

# What stands before names. Words that are only ever helpers ("has been refused", "have to") are no words of holding.
_NEED = (
    r"^\W*(?:please\W+)?(?:grant|add|assign|give|request|get)\b"
    r"|\b(?:must|should|needs?|requir\w+|lack\w*|miss(?:ing|es)?|without|insufficient|expect\w*|want\w*|unless|if|least|one of"
    r"|to (?:be|have|hold|include|contain)|(?:holders|owners) of"
    r"|(?:those|people|anyone|someone|callers|users|clients|tokens) (?:with|that|who|holding|having))\b"
)
_HOLDS = (
    r"(?:has|have|had)(?! (?:not|never|been|to|failed|denied|refused|insufficient|no)\b)|having|hold(?:s|ing)?|held"
    r"|possess(?:es)?|owns?|carr(?:y|ies|ied)|contains?|includ(?:e[sd]?|ing)|covers?|permits?|grants?|granted|given|got|found"
    r"|provided?|present(?:s|ed)?|issued|available|assigned|current(?:ly)?|effective|actual|only|may"
    r"|limited to|authorized for"
)
_OWNED = (  # "your permissions", "the token's scopes", "role permissions", "rights in this session"
    rf"(?:your|my|its|their|{_OWNER}['’]?s) (?:\w+ )?{_RIGHT}|{_OWNER} (?!grants\b){_RIGHT}(?<=s)"
    rf"|{_RIGHT} (?:in|of|on|for|at|with) (?:(?:this|your|the) )?{_OWNER}|authorities"
)
# What stands behind these is what there is.
_BESIDE = r"not (?:in|among)|despite|in spite of|on top of|in addition to|besides|(?:in|within)(?=\W*$)"
_CUES = re.compile(
    rf"(?P<need>{_NEED})|\b(?P<beside>{_BESIDE})\b|\b(?P<owned>{_OWNED})\b|\b(?P<with>with)\b|\b(?P<holds>{_HOLDS})\b"
    r"|\b(?P<not>not|no|none|nothing|neither|nor|never|cannot|\w+n['’]t)\b|(?P<sign>[✓✔✅☑]|\[[x+](?=\]|$))",
    re.IGNORECASE,
)
_OVERTURNED_BY = {
    "holds": {"need", "not"},
    "with": {"need", "holds"},  # "can't be done with a:b:view" holds it, "only with a:b:edit" does not
    "owned": set[str](),
    "sign": set[str](),
    "beside": set[str](),
}
"""The cues of holding, and what makes them say the opposite when it stands earlier in the clause."""

# Where a clause begins.
_CLAUSE = re.compile(
    r"[;:!?()\n,]|\.(?=\s|$)|(?=\b(?:while|although)\b)|\b(?:but|yet|however|because|and(?= (?:you|your|it|its)\b))\b",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"\b(?:while|although|though|because|since|as|without|in addition to|besides)\b[^,;.()\n]*$", re.IGNORECASE
)
_ASIDE = re.compile(r"\([^()\n]{0,200}\)|\[\w[^\[\]:\n]{1,200}\]")
_MARKS = " \t\n\"'`‘’“”«»[]({}=:-*•<>"
_TEST = re.compile(r"\b(?:has|is|check|require)[A-Z]\w*\(['\"\[]*$")  # hasPermission('a:b:c') asks and does not tell
_KEY = re.compile(r"\b[A-Za-z][\w.-]*=[\"'\[(]*$")  # of a log line: granted=[a:b:c]
_WORDS_IN_ONE = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NOUN_IN_ONE = re.compile(r"(permissions?|privileges?|scopes?|licen[sc]es?)", re.IGNORECASE)
_JOINT = re.compile(r"['\"`’”»\])]{0,3}\s*(?:[,|/&+]\s*(?:(?:and|or) )?|(?:and|or) |\n\s*[-*•]\s*)?\s*['\"`‘“«\[(]{0,3}")

# What directly follows names: their closing marks and their noun, then a verdict.
_IS = r"(?: (?:would be|must be|has been|have been|is|are|was|were|be)(?: also| still| already)?)"
_SAYS = r"\s*(?:->|=>|[:=?])\s*"
_ONLY = rf"{_IS}? ?(?:appl(?:y|ies)|valid|granted|assigned|held|limited|restricted)? ?only (?:to|for|in|on|within)\b"
_IS_HELD = (
    r" is all (?:that )?(?:you|it|the \w+) (?:get|gets|have|has|holds?)\b| has(?=\s*[.;\n])"
    rf"|{_IS}? ?(?:not |in|too )(?:enough|sufficient|narrow)\b| ?alone\b| lacks?\b"
    r"|(?: (?:do|does|did) not| \w+n['’]t) (?:allow|suffice|satisfy|cover|include|contain|permit|grant)"
    rf"|{_IS}?(?: already)? ?(?:present|found|held|passed|granted|given|assigned|available|enabled|kept)\b"
    rf"(?!\s*(?:[:=(\[]|{_RIGHT}\b))"
    rf"|{_SAYS}(?:true|yes|ok|granted|allow(?:ed)?|held|present|pass(?:ed)?)\b|\s*\((?:held|granted|ok|present|have|yes)\)"
    rf"|{_IS}(?: all| already)? ?(?:configured|set(?: up)?|in place|correct(?:ly)?)\b|[ \t]*[✓✔✅☑]"
)
_IS_LACKED = (
    rf"{_IS} ?(?:missing|required|needed|mandatory|absent|denied|not(?= \w)(?! (?:permitted|allowed|authori[sz]ed)))\b"
    rf"|{_SAYS}(?:false|no|none|den(?:y|ied)|missing|fail(?:ed)?)\b"
)
_BEHIND = re.compile(
    rf"[\])}}'\"`’”»]{{0,3}}(?:, (?:and )?['\"`‘“]?[\w.-]{{1,40}}:[\w.-]{{1,40}}['\"`’”]?){{0,4}}"  # scopes beside it
    rf"[ \t]*(?:(?:oauth )?{_RIGHT}\b)?(?:(?P<partly>{_ONLY})|(?P<held>{_IS_HELD})"
    rf"|(?P<lacked>{_IS_LACKED}))",
    re.IGNORECASE,
)
_NONE_OF = re.compile(  # "none of [a:b:c] is assigned"
    rf"\b(?:none|neither|no|not (?:all|every))(?: of)?(?: (?:the|these|those|following|required|{_RIGHT})){{0,4}}"
    r"[\s:'\"`‘“«\[(]{0,4}$",
    re.IGNORECASE,
)


def missing_and_held(text: str, spans: Iterable[Span]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The places that name what the caller lacks, and those that name what it holds, each in their order."""
    missing: list[Span] = []
    held: list[Span] = []
    told = 0  # up to here the text has said something of the names before
    runs = _runs(text, sorted(spans))
    for number, run in enumerate(runs):
        begin, end = run[0].begin, run[-1].end
        next_one = runs[number + 1][0].begin if number + 1 < len(runs) else len(text)
        last = "\n" if next_one == len(text) else ""
        behind = _BEHIND.match(text[end : min(next_one, end + REACH // 2)] + last)
        if behind is not None:
            is_held = behind.group("held") is not None and not _NONE_OF.search(text[max(told, begin - REACH) : begin])
        else:
            is_held = _held_by_words(text[max(told, begin - REACH) : begin])
        (held if is_held else missing).extend(run)
        told = end + (behind.end() if behind is not None else 0)
    return tuple(missing), tuple(held)


def tells_of_holding(name: str) -> bool:
    """Whether the name of a parameter says that its values are held: "grantedScopes", "userpermissions", "held"."""
    return _held_by_words(" ".join(_NOUN_IN_ONE.sub(r" \1 ", name.replace("_", " ")).split()))


def _runs(text: str, spans: Sequence[Span]) -> list[list[Span]]:
    """Names that are joined by no more than a comma, a bar or an "and"."""
    runs: list[list[Span]] = []
    for span in spans:
        end = runs[-1][-1].end if runs else 0
        if not runs or span.begin - end > MAX_JOINT or not _JOINT.fullmatch(text, end, span.begin):
            if len(runs) == MAX_RUNS:
                break
            runs.append([])
        runs[-1].append(span)
    return [part for run in runs for part in _parted(text, run)]


def _parted(text: str, run: list[Span]) -> list[list[Span]]:
    """A clause that begins with "while" or "although" ends at a comma: "While your role has a:b:view, a:b:edit is needed"."""
    comma = len(run) > 1 and "," in (gap := text[run[-2].end : run[-1].begin]) and not re.search(r"\w", gap)
    before = text[max(0, run[0].begin - REACH) : run[0].begin]
    return [run[:-1], run[-1:]] if comma and _SUBORDINATE.search(before) else [run]


def _held_by_words(before: str) -> bool:
    """Whether the words before some names, in the same clause, say that they are held."""
    if _TEST.search(before):
        return False
    key = _KEY.search(before)
    clause = key.group().replace(".", " ") if key else _CLAUSE.split(_ASIDE.sub(" ", before).rstrip(_MARKS))[-1]
    cues = [str(cue.lastgroup) for cue in _CUES.finditer(_WORDS_IN_ONE.sub(" ", clause))]
    return bool(cues) and cues[-1] in _OVERTURNED_BY and not _OVERTURNED_BY[cues[-1]] & set(cues[:-1])
