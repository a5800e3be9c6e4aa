"""What a rule is made of: its matchers, its texts, each written once, and an example."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from wfm.diagnosis.rules.base import Case
from wfm.domain.diagnoses import Kind, Provenance
from wfm.payloads.limits import clean

GENERAL = {"client": "the OAuth client"}
"""What fills a text where nothing is known of a case."""

PASSES = "Nobody: it passes"
REMOTE_OWNER = "Owner of the remote service"
CALLER_ADMIN = "Admin of the calling system"
ROLE_CHANGE = "No. A role change takes up to five minutes."


@dataclass(frozen=True, slots=True)
class Source:
    """Where the knowledge of a rule comes from, and what shows it: "Published: too.many.requests is declared"."""

    provenance: Provenance
    text: str = ""

    def __str__(self) -> str:
        return f"{self.provenance.value.capitalize()}{f': {self.text}' if self.text else '.'}"


published = partial(Source, Provenance.PUBLISHED)
observed = partial(Source, Provenance.OBSERVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """What a rule says: on screen, in docs/errors, on the command line and in a request to the people who can fix it."""

    cause: str
    confirm: str
    fix: str
    who: str


_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)(?:\|([^{}]*))?\}")


def render(text: str, values: Mapping[str, str]) -> str:
    """A text of a rule with its placeholders filled: `{name|what stands there when the value is not known}`.

    Values come from outside: a text that holds one is cleaned and bounded.
    """
    if "{" not in text:
        return text
    filled = _PLACEHOLDER.sub(lambda found: values.get(found[1], found[2] or ""), text)
    starts_with_name = ":" in filled.partition(" ")[0]  # a name keeps its spelling
    return clean(filled if starts_with_name else filled[:1].upper() + filled[1:], 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A payload that the rule explains; identifiers are made up."""

    body: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    call: str | None = None
    via: str = "direct"
    held_scopes: tuple[str, ...] | None = None


def platform_error(status: int, code: str, message: str, **members: object) -> Example:
    """An error of the platform: message, code and status, then further members."""
    return Example(status=status, body=_json({"message": message, "code": code, "status": status, **members}))


def action_error(status: int, code: str, message: str, category: str, **detail: str) -> Example:
    """An error of a Data Action in its older keys; `category` is the class of the failure, `detail` what stands beside it."""
    error = {"errorCode": code, "status": status, "correlationId": "4d2ce3ed-159e-42d1-82ac-9fb828edb566"}
    return Example(
        status=status,
        body=_json({**error, "userMessage": message, "details": [{"errorCode": category, **detail}]}),
        via="data_action",
    )


def oauth_error(status: int, error: str, description: str = "", call: str = "POST /oauth/token") -> Example:
    """An error of a token server (RFC 6749)."""
    body = {"error": error} | ({"error_description": description} if description else {})
    return Example(status=status, body=_json(body), call=call, via="oauth")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Matchers:
    """What a rule recognises, from the strongest sign to the weakest.

    `special` is a test of the whole case; `codes` match the dotted code under any status, `codes_within` only under
    the statuses of `within`, as do `sentences`; `hint` is a test asked when neither code nor sentence told; `weak_codes`
    are codes that say little more than a status. `within` None means any status; a case without status is always inside.
    """

    special: Callable[[Case], bool] | None = None
    codes: re.Pattern[str] | None = None
    codes_within: re.Pattern[str] | None = None
    sentences: re.Pattern[str] | None = None
    hint: Callable[[Case], bool] | None = None
    weak_codes: re.Pattern[str] | None = None
    statuses: frozenset[int] = frozenset()
    within: frozenset[int] | None = None

    def applies_to_status(self, case: Case) -> bool:
        """Whether codes and sentences count under the status of this case. 2xx says nothing, so it counts as none."""
        status = case.response.firm_status
        return self.within is None or status is None or status < 300 or status in self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a rule says instead in some of its cases; None where it says the same."""

    when: Callable[[Case], bool]
    cause: str | None = None
    confirm: str | None = None
    fix: str | None = None
    who: str | None = None
    kind: Kind | None = None
    retryable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cause: how it is recognised, what is said of it, and an example. Every text stands here once.

    `cause`, `confirm` and `fix` are texts for `render`, filled by `values` and `{client}`; the first of `variants` that
    fits replaces some of them. The page adds `more` to the cause, names the source, and says whether to `retry` (by
    default what `retryable` says). `names` picks the missing names out of the case.
    """

    key: str
    kind: Kind
    title: str
    matchers: Matchers
    cause: str
    confirm: str
    fix: str
    who: str
    source: Source
    example: Example
    more: str = ""
    retry: str = ""
    retryable: bool | Callable[[Case], bool] = False
    names: Callable[[Case], tuple[str, ...]] | None = None
    values: Callable[[Case], Mapping[str, str]] | None = None
    variants: tuple[Variant, ...] = ()
    kind_in: Callable[[Case], Kind] | None = None

    def _variant(self, case: Case) -> Variant | None:
        return next((variant for variant in self.variants if variant.when(case)), None)

    def kind_of(self, case: Case) -> Kind:
        variant = self._variant(case)
        if variant is not None and variant.kind is not None:
            return variant.kind
        return self.kind_in(case) if self.kind_in else self.kind

    def may_retry(self, case: Case) -> bool:
        variant = self._variant(case)
        if variant is not None and variant.retryable is not None:
            return variant.retryable
        return self.retryable(case) if callable(self.retryable) else self.retryable

    def sentences(self, case: Case) -> Sentences:
        """What is said of this case."""
        values = {"client": case.client, **(self.values(case) if self.values else {})}
        return self._sentences(self._variant(case), values)

    def general(self) -> Sentences:
        """What is said of the rule where nothing is known of a case."""
        return self._sentences(None, GENERAL)

    def particular(self) -> tuple[Sentences, ...]:
        """What is said in each of the variants, in general."""
        return tuple(self._sentences(variant, GENERAL) for variant in self.variants)

    def _sentences(self, variant: Variant | None, values: Mapping[str, str]) -> Sentences:
        cause, confirm, fix = (
            render(getattr(variant, name, None) or getattr(self, name), values) for name in ("cause", "confirm", "fix")
        )
        return Sentences(cause=cause, confirm=confirm, fix=fix, who=getattr(variant, "who", None) or self.who)
