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

WIDEST_JOINT = 40


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A name and where it stands in a text."""

    begin: int
    end: int
    name: str


def _any(*lines: str) -> str:
    """A pattern for any of the words, which may be small patterns; "_" stands for a space."""
    return "(?:" + "|".join(word.replace("_", " ") for line in lines for word in line.split()) + ")"


# The vocabulary. Words that are only ever helpers ("has been refused", "have to") are no words of holding.
_HOLDS = _any(
    r"(?:has|have|had)(?!_(?:not|never|been|to|failed|denied|refused|rejected|insufficient|no)\b) having",
    r"hold holds holding held possess(?:es)? owns? carry carries carried contains? included? includes covers? covered",
    r"permits? grants? granted given gives? got gets found provided? provides supplied present(?:s|ed)? sees? issued",
    r"available assigned current(?:ly)? existing effective actual(?:ly)? already only may signed_in",
    r"as_(?:a|the)_(?:holder|owner)_of entitled authori[sz]ed(?:_for)? allowed allows limited_to restricted_to",
    r"hat haben hast besitz(?:t|en) enthält vorhanden(?:e|en)?",
    r"a_déjà avez dispose[sz]? possèd\w+ accord\w+ actuel\w* présent\w*",
    r"tiene[ns]? posee actual(?:es)? possui tem atua(?:l|is) ha attual[ei] heeft hebt huidige aanwezig\w* имеется есть",
)
_HOLDS_IN_SIGNS = _any(r"当前 目前 已有 拥有 現在 保有 ✓ ✔ ✅ ☑ \[[x+](?=\]|$)")  # no space stands between words there
_NEEDS = _any(
    r"must should shall needs? needed needing requir\w+ lack\w* miss(?:ing|es)? without insufficient inadequate",
    r"mandatory demand\w* expect\w* want\w* reserved unless if whether until asks? one_of least",
    r"have_(?:an?|your|the|somebody|someone)(?:_\w+)?_(?:assign|grant|add|give)",
    r"to_(?:be|have|hold|include|contain|carry|possess|get|own)",
    r"(?:holders|owners)_of",
    r"(?:those|people|anyone|someone|somebody|whoever|callers|users|clients|tokens)_(?:with|that|who|holding|having)",
    r"any_\w+_(?:with|that|who) only(?:_\w+){1,4}_with for_(?:this|the)_(?:operation|call|endpoint|api|action|request)(?=\W*$)",
)
_ASKED = (
    r"^\W*(?:(?:please|then|first)\W+)?(?:"
    + _any("grant add assign give include request get obtain provide use try retry")
    + r"|only\W+(?!has|have)[a-z]+)"
)
_NOT = _any(
    r"not no none nothing nowhere never neither nor nobody cannot \w+n['’]t no_longer",
    r"kein\w* nicht pas sin não nie niet brak geen нет не",
)
_RIGHT = _any("permissions? scopes? rights? privileges? authorities entitlements? claims? grants? licen[sc]es? products?")
_OWNER = _any("tokens? callers? users? clients? roles? subjects? principals? apps? applications? sessions? accounts?")
_OWNED = _any(
    rf"(?:your|my|its|his|their|{_OWNER}['’]?s|{_OWNER}s['’])_(?:\w+_)?{_RIGHT}",  # "your permissions", "the token's scopes"
    rf"{_OWNER}_(?!grants\b(?!\s*[:=(\[])){_RIGHT}(?<=s)",  # "role permissions", but no "role grants" as a verb
    rf"{_RIGHT}_(?:in|of|on|for|at|with)_(?:(?:this|your|the)_)?{_OWNER} authorities yours",
)
_BESIDE = _any(  # what stands behind these is what there is
    r"not_(?:in|among|within|part_of|one_of|covered_by|found_in) outside(?:_of)? among besides beyond in_addition_to",
    r"on_top_of apart_from other_than a_subset_of (?:in|within)(?=\W*$)",
    r"(?:although|though|while)(?=(?:\W+(?:the|your|permission|scope))*\W*$)",
)
_CUES = re.compile(
    rf"(?P<need>{_ASKED}\b|\b{_NEEDS}(?:(?:\W+(?:the|a|an|following|these|any|all|of|one|least|at))*\W+{_OWNED})?\b)"
    rf"|\b(?P<beside>{_BESIDE})\b|\b(?P<owned>{_OWNED})\b|\b(?P<not>{_NOT})\b|\b(?P<with>with)\b"
    rf"|(?P<holds>\b{_HOLDS}\b|{_HOLDS_IN_SIGNS})",
    re.IGNORECASE,
)
_OVERTURNED_BY = {
    "holds": {"need", "not"},
    "with": {"need"},  # "can't be done with a:b:view"
    "owned": set[str](),
    "beside": set[str](),
}
"""The cues of holding, and what makes them say the opposite when it stands earlier in the clause."""

# Where a clause begins.
_CLAUSE = re.compile(
    r"[;:!?()\n,；：，。、]|\.(?=\s|$)|\s[-–—]\s|(?=\b(?:while|whereas|although|though)\b)"
    r"|\b(?:but|yet|however|because|since|and(?= (?:you|your|it|its|only|the)\b)|mais|aber|pero|mas|ma|maar|но)\b",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    r"\b(?:while|although|though|because|since|as|whereas|without|even if|in addition to|besides)\b[^,;.()\n]*$", re.IGNORECASE
)
_ASIDE = re.compile(r"\([^()\n]{0,200}\)|\[\w[^\[\]:\n]{1,200}\]")
_MARKS = " \t\n\"'`‘’“”«»[]({}=:-*•<>"
_TEST = re.compile(r"\b(?:has|is|check|require|assert)[A-Z]\w*\(['\"\[]*$")
_KEY = re.compile(r"\b[A-Za-z][\w.-]*=[\"'\[(]*$")  # of a log line: granted=[a:b:c]
_WORDS_IN_ONE = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NOUN_IN_ONE = re.compile(r"(permissions?|privileges?|scopes?|licen[sc]es?)", re.IGNORECASE)
_JOINT = re.compile(
    r"['\"`’”»\])]{0,3}\s*(?:[,|/&+]\s*(?:(?:and|or|und|oder|et|ou|y|e) )?"
    r"|(?:and|or|as well as|plus|und|oder|et|ou|y|o|e|en|of|i) |\n\s*[-*•]\s*)?\s*['\"`‘“«\[(]{0,3}"
)

# What directly follows names: their closing marks and their noun, then a verdict.
_IS = (
    r"(?: (?:would be|must be|has been|have been|had been|is|are|was|were|be|has|have)"
    r"(?: also| still| already| currently| first)?)"
)
_YOU_HAVE = rf"(?:{_IS} (?:a |the )?{_RIGHT})?,? (?:which|that) (?:you|it|the \w+) (?:already )?(?:have|has|holds?)\b"
_ALL_THERE_IS = r" is all (?:that )?(?:you|it|the \w+) (?:get|gets|have|has|holds?)\b| has(?=\s*[.;\n])"
_NOT_ENOUGH = (
    rf"{_IS}? ?(?:not |in)(?:enough|sufficient|adequate)\b|{_IS} too (?:narrow|weak|small|low|limited)\b"
    rf"| ?alone\b| lacks?\b|(?: (?:do|does|did) not| \w+n['’]t) "
    + _any("allow suffice satisfy cover include contain permit grant authori[sz]e meet match fulfil do work help")
)
_THERE = (
    rf"{_IS}?(?: already)? ?(?:present|found|held|passed|granted|given|assigned|available|enabled|active|kept|retained)\b"
    rf"(?!\s*(?:[:=(\[]|{_RIGHT}\b))"
)
_TRUE = (
    r"\s*(?:->|=>|[:=?]|granted\s*[:=])\s*(?:true|yes|ok|granted|allow(?:ed)?|held|present|pass(?:ed)?|enabled)\b"
    r"|\s*\((?:held|granted|ok|present|have|yes)\)|[ \t]*[✓✔✅☑]"
)
_ABSENT = _any(
    "missing required needed mandatory necessary absent denied lacking expected wanted demanded revoked removed what never",
    "disabled inactive",
    r"no_longer not(?=_\w)(?!_(?:permitted|allowed|authori[sz]ed|able|entitled))",
)
_FALSE = (
    r"\s*(?:->|=>|[:=?]|granted\s*[:=])\s*(?:false|no|not|none|den(?:y|ied)|missing|fail(?:ed)?|absent|disabled)\b"
    r"|[ \t]+(?:returned false|failed)\b|[ \t]*[✗✘❌✖]"
)
_ONLY = rf"{_IS}? ?(?:appl(?:y|ies)|valid|granted|assigned|held|limited|restricted|effective)? ?only (?:to|for|in|on|within)\b"
_BEHIND = re.compile(
    rf"[\])}}'\"`’”»]{{0,3}}[ \t]*(?:(?:oauth )?{_RIGHT}\b)?(?:"
    rf"(?P<partly>{_ONLY})|(?P<held>{_YOU_HAVE}|{_ALL_THERE_IS}|{_NOT_ENOUGH}|{_THERE}|{_TRUE})"
    rf"|(?P<lacked>{_IS} ?{_ABSENT}\b| not(?= (?:in|among|within|part)\b)|{_FALSE}))",
    re.IGNORECASE,
)


_NONE_OF = re.compile(  # "none of [a:b:c] is assigned"
    r"\b(?:none|neither|no|not (?:all|every|a single))(?: one)?(?: of)?"
    rf"(?: (?:the|these|those|following|required|{_RIGHT})){{0,4}}"
    r"[\s:'\"`‘“«\[(]{0,4}$",
    re.IGNORECASE,
)


def lacked(text: str, places: Iterable[Place]) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """The places that name what the caller lacks, and those that name what it holds, each in their order."""
    missing: list[Place] = []
    held: list[Place] = []
    told = 0  # up to here the text has said something of the names before
    runs = _runs(text, sorted(places))
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


def _runs(text: str, places: Sequence[Place]) -> list[list[Place]]:
    """Names that are joined by no more than a comma, a bar or an "and"."""
    runs: list[list[Place]] = []
    for place in places:
        end = runs[-1][-1].end if runs else 0
        if not runs or place.begin - end > WIDEST_JOINT or not _JOINT.fullmatch(text, end, place.begin):
            if len(runs) == MAX_RUNS:
                break
            runs.append([])
        runs[-1].append(place)
    return [part for run in runs for part in _parted(text, run)]


def _parted(text: str, run: list[Place]) -> list[list[Place]]:
    """A clause that begins with "while" or "although" ends at a comma: "While your role has a:b:view, a:b:edit is needed"."""
    comma = len(run) > 1 and "," in (gap := text[run[-2].end : run[-1].begin]) and not re.search(r"\w", gap)
    before = text[max(0, run[0].begin - REACH) : run[0].begin]
    return [run[:-1], run[-1:]] if comma and _SUBORDINATE.search(before) else [run]


def _held_by_words(before: str) -> bool:
    """Whether the words before some names, in the same clause, say that they are held."""
    if _TEST.search(before):  # hasPermission('a:b:c') asks and does not tell
        return False
    key = _KEY.search(before)
    clause = key.group().replace(".", " ") if key else _CLAUSE.split(_ASIDE.sub(" ", before).rstrip(_MARKS))[-1]
    cues = [str(cue.lastgroup) for cue in _CUES.finditer(_WORDS_IN_ONE.sub(" ", clause))]
    return bool(cues) and cues[-1] in _OVERTURNED_BY and not _OVERTURNED_BY[cues[-1]] & set(cues[:-1])
