"""The error catalogue: every rule's page, as values for a screen and as Markdown for docs/errors/.

`python -m wfm.diagnosis` writes docs/errors/; a test fails when the committed pages differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from wfm.diagnosis.families import EXCEPTIONS
from wfm.diagnosis.rules import RULES, UNREAD, Rule
from wfm.domain.diagnoses import RulePage

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "errors"
HEADINGS = ("Means", "Confirm", "Fix", "Who can", "Provenance", "Retry")


@cache
def rules() -> tuple[RulePage, ...]:
    """Every rule's page, in the order in which the rules are asked."""
    return tuple(_page(rule) for rule in (*RULES, *UNREAD))


@cache
def _by_key() -> Mapping[str, RulePage]:
    return {page.key: page for page in rules()}


def page_for(key: str) -> RulePage:
    """The page of the rule of that key (Diagnosis.rule). Raises KeyError."""
    return _by_key()[key]


def _page(rule: Rule) -> RulePage:
    sentences = rule.general()
    return RulePage(
        key=rule.key,
        kind=rule.kind,
        title=rule.title,
        means=f"{sentences.cause} {rule.more}".rstrip(),
        confirm=sentences.confirm,
        fix=sentences.fix,
        who_can=f"{sentences.who}.",
        provenance=str(rule.source),
        retry=rule.retry or ("Yes, later." if rule.retryable else "No."),
        variants=tuple((other.cause, other.fix) for other in rule.particular()),
        example=rule.example.body,
        example_status=rule.example.status,
        example_call=rule.example.call or "",
    )


def sections(page: RulePage) -> tuple[tuple[str, str], ...]:
    """The page as (heading, text), always the same headings in the same order."""
    texts = (page.means, page.confirm, page.fix, page.who_can, page.provenance, page.retry)
    return tuple(zip(HEADINGS, texts, strict=True))


def markdown(page: RulePage) -> str:
    """One page of docs/errors/."""
    parts = [f"# {page.title}", f"Rule `{page.key}` · kind `{page.kind.value}`"]
    parts += [f"## {heading}\n\n{text}" for heading, text in sections(page)]
    if page.variants:
        rows = "\n".join(f"| {cause} | {fix} |" for cause, fix in page.variants)
        parts.append(f"## In particular\n\n| Cause | Fix |\n|---|---|\n{rows}")
    status = f"HTTP {page.example_status}" if page.example_status else "No HTTP status"
    asked = f", in answer to `{page.example_call}`" if page.example_call else ""
    parts.append(f"## Example\n\n{status}{asked}. Identifiers are made up.\n\n```json\n{page.example}\n```")
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """docs/errors/README.md: the causes in a table, and the cases where a code outranks its HTTP status."""
    lines = [
        "# Error catalogue",
        "",
        "Made from the rules in `wfm/diagnosis/rules` by `python -m wfm.diagnosis`; a change is made there.",
        "",
        "| Cause | Kind | Retry | Rule |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| [{page.title}]({page.key}.md) | `{page.kind.value}` | {page.retry.partition('.')[0]} | `{page.key}` |"
        for page in rules()
    ]
    lines += [
        "",
        "## Adding a cause",
        "",
        "1. Write a `Rule` in the file of `wfm/diagnosis/rules` that fits: matchers, texts, example.",
        "2. Put it into that file's `RULES`, the particular before the general.",
        "3. Add payloads to `CASES` in `tests/diagnosis/test_rules.py`; a rule without a test fails there.",
        "4. Run `python -m wfm.diagnosis` and commit the page.",
        "",
        "## Where the HTTP status misleads",
        "",
        "A code is closer to the cause than the status it comes with, so the code decides. That gives a kind outside the",
        "family of the status in these cases only:",
        "",
        "| HTTP | Kind | A code that shows it | Reason |",
        "|---|---|---|---|",
    ]
    lines += [f"| {known.status} | `{known.kind.value}` | `{known.code}` | {known.reason} |" for known in EXCEPTIONS]
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Every file of docs/errors/ by name."""
    return {"README.md": index()} | {f"{page.key}.md": markdown(page) for page in rules()}


def write(folder: Path = FOLDER) -> None:
    """Writes the catalogue and removes pages of rules that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for old in folder.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
