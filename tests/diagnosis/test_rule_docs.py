"""The committed error catalogue is the one that the rules make."""

from __future__ import annotations

import re
from pathlib import Path

from wfm.diagnosis import rules, sections
from wfm.diagnosis.rule_docs import FOLDER, HEADINGS, files, markdown, write


def test_committed_pages_match_the_rules() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    wanted = files()
    assert set(committed) == set(wanted), "run: python -m wfm.diagnosis"
    assert [name for name in wanted if committed[name] != wanted[name]] == [], "run: python -m wfm.diagnosis"


def test_each_page_has_the_headings_in_order_and_its_example() -> None:
    for page in rules():
        text = markdown(page)
        places = [text.index(f"\n## {heading}\n") for heading in (*HEADINGS, "Example")]
        assert places == sorted(places)
        assert page.example in text
        assert f"]({page.key}.md)" in files()["README.md"]


def test_writing_removes_pages_of_rules_that_are_no_more(tmp_path: Path) -> None:
    (tmp_path / "a-rule-that-was.md").write_text("old")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(files())


def test_codes_that_a_page_calls_published_are_declared(error_codes: list[dict[str, str]]) -> None:
    declared = {row["code"] for row in error_codes}
    seen = 0
    for page in rules():
        published = " ".join(
            part for part in re.split(r"(?=Published:|Observed:|Brief:)", page.provenance) if "Published" in part
        )
        for code in re.findall(r"(?<![\w*])[a-z]+(?:\.[a-z]+)+(?![\w*])", published):
            assert code in declared, (page.key, code)
            seen += 1
    assert seen > 25


def test_nothing_that_is_unconfirmed_is_stated() -> None:
    """Spellings and figures that no source confirms: never without saying so."""
    for page in rules():
        for _, text in sections(page):
            for name in ("ACTION.PROCESSING", "ACTION.CERTIFICATE"):
                assert name not in text or "not confirmed" in text, page.key
            assert not re.search(r"\b(2,?500|50 concurrent|256 KB|circuit breaker)\b", text), page.key
