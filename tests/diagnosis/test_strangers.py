"""Payloads in the style of outside authors: constructed, labelled before the parser was asked, every id made up.

What they had at the first try, in per cent; the tests hold what they have since.

| set | payloads | kind | missing names | code | correlation id | retryable |
|---|---|---|---|---|---|---|
| 1: every shape | 433 | 99.8 | 98.4 | 100 | 100 | 99.8 |
| 2: harder sentences | 240 | 95.0 | 82.6 | 100 | 99.6 | 95.0 |
| 3: names in unusual sentences | 102 | | 57.8 | | | |
| 4, of these a sample: declared codes, gateways, vendors | 743 | 99.3 | 99.3 | 99.9 | 99.9 | 99.2 |
| 4: traps | 143 | 95.1 | 99.3 | 99.3 | 100 | 98.6 |
| 4, of these a sample: other bodies inside a Data Action's sentence | 133 | 88.7 | 100 | 85.0 | 100 | 98.5 |
| 4: rights named in members of many spellings | 32 | 84.4 | 78.1 | 100 | 100 | 100 |
| 4: gateways and vendors once more | 74 | 97.3 | 100 | 100 | 100 | 98.6 |
| 5, of these a sample with all misses: sorts and shares of the reference payloads | 407 | 99.5 | 99.3 | 97.8 | 99.8 | 98.5 |
| 6: hard sentences, odd bodies, retry traps, gateways; after the fifth was mended | 137 | 98.5 | 89.1 | 100 | 99.3 | 97.8 |
| 6: sentences and members that name rights, after that was mended | 56 | 100 | 80.4 | 100 | 100 | 100 |

The seventh set is of texts as people paste them: exceptions, records of logs, mails, successes. The shapes were seen in
public, words and ids are ours. Here an answer is right only in every respect, sentences included. At the first try:

| set | texts | right in every respect |
|---|---|---|
| 7a: the kinds of the public cases, after those were fixed | 45 | 95.6 |
| 7b: the same kinds once more | 45 | 93.3 |
| 7c: harder: escapes, consoles, tables, AWS behind a Data Action | 35 | 71.4 |
| 7d: texts of public issues and articles, after the third was fixed | 30 | 90.0 |
| 7e: the same kinds once more | 34 | 97.1 |
| 7f: refusals of other services, without a Data Action | 7 | 85.7 |
| 7g: the same kinds once more, after the others were fixed | 29 | 93.1 |

The eighth set holds the kinds that a tester with fresh eyes found wrong (a name of another class, refusals without a JSON
body, successes under prose, packed bodies, …), written before they were fixed, and further texts of these kinds. Of those
were right in every respect at the first try: 88.6 per cent of 35 (`fresh`), 90.0 of 30 after these were fixed (`again`), and
90.0 of 30 more (`third`).

The ninth set holds the kinds that another tester found wrong among 66 texts of strangers (45 were right): sentences broken over
lines, rights that are held, whose side it is in prose, details and statuses of other shapes, successes, SDKs of AWS and
Google, XML, firewalls. Of 60 further texts of strangers, judged strictly, 46 were right in every respect at the first try: 26
of 30 of any kind, 10 of 15 of the new kinds, and 10 of 15 more after these were fixed; what they showed is in the set too, in
our own words.

The sets ten to fifteen are of texts as they stand in public threads, in our own words. Here the status counts too, and where
no rule knows an answer the cause quotes it. Each came after the last one was fixed. Right in every respect at
the first try: 28 of 45, 25 of 35, 22 of 29, 17 of 26, 17 of 26 and 21 of 25; seven labels of the last were slips, corrected
after the first look. Most misses were statuses, codes and sentences in notations not seen before, and were answered as not
recognized.

Labels changed afterwards: of the seventh set one permission, which the published API does name; one text without a source in
public was left out. Of the others a host name that nobody knows doesn't pass by waiting, nor does a lock that a person holds
(two of the fifth set); a body inside a Data Action's sentence that has no code of its own leaves the code open (seven); where
the sign-in of an action failed, the wrapper's code counts too (two).

The grammar is of English: 28 sentences in other languages that also name what is held have left the sets.

Still missed: of the fourth set permissions under "context" that the caller holds, and 200 as a code of its own; of the sixth
"you hold the first only".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.diagnosis.support import faults
from wfm.diagnosis import diagnose, diagnose_jsonl_line, explain
from wfm.diagnosis.jsonl import as_record

HELD: dict[str, float] = {"kind": 0.99, "missing": 0.99, "code": 0.99, "correlation_id": 0.99, "retryable": 0.99}


def _strangers(number: int) -> list[dict[str, Any]]:
    path = Path(__file__).with_name(f"strangers_{number}.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _accepted(name: str, expected: dict[str, Any]) -> list[Any]:
    also = {"kind": "also_ok", "code": "code_also_ok"}.get(name, "")
    return [expected[name], *expected.get(also, ())]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_figures_of_strangers(number: int) -> None:
    cases = _strangers(number)
    answers = [diagnose_jsonl_line(case) for case in cases]
    for name, aim in HELD.items():
        wrong = [
            (case["id"], got[name], case["expect"][name])
            for case, got in zip(cases, answers, strict=True)
            if got[name] not in _accepted(name, case["expect"])
        ]
        assert 1 - len(wrong) / len(cases) >= aim, (name, wrong)


@pytest.mark.parametrize("number", [7, 8, 9])
def test_texts_as_people_paste_them(number: int) -> None:
    wrong = {case["id"]: bad for case in _strangers(number) if (bad := faults(diagnose_jsonl_line(case), case["expect"]))}
    assert wrong == {}


@pytest.mark.parametrize("number", [10, 11, 12, 13, 14, 15])
def test_texts_of_strangers_with_their_status(number: int) -> None:
    for case in _strangers(number):
        found = explain(case["body"], status=case["http_status"]).diagnosis
        assert not faults(as_record(case["id"], found) | {"status": found.status}, case["expect"]), case["id"]


@pytest.mark.parametrize("number", [5, 6])
def test_divisions_that_strangers_name(number: int) -> None:
    cases = [case for case in _strangers(number) if "divisions" in case["expect"]]
    assert cases
    for case in cases:
        found = diagnose(case["http_status"], case["headers"], case["body"])
        assert list(found.divisions) == case["expect"]["divisions"], case["id"]
