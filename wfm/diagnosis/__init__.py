"""What an error payload means: `diagnose`, and the rules that know it.

`diagnose(status, headers, body, evidence) -> Diagnosis` takes any bytes and never raises. One cause is one rule in
wfm/diagnosis/rules, with its documentation and an example payload; docs/errors/ is made from them. `explain` takes a
pasted text, `four_lanes` gives the verdict on a refusal, `hand_off_card` the request to who can fix it.
"""

from __future__ import annotations

from wfm.diagnosis.explain import ALSO, explain
from wfm.diagnosis.families import contradiction
from wfm.diagnosis.handoff import hand_off_card
from wfm.diagnosis.jsonl import as_record, diagnose_jsonl, diagnose_jsonl_line, is_jsonl, render, render_jsonl
from wfm.diagnosis.lanes import four_lanes
from wfm.diagnosis.matching import diagnose
from wfm.diagnosis.rule_docs import page_for, rules, sections
from wfm.diagnosis.rules.base import reads_work_writes_fail

__all__ = [
    "ALSO",
    "as_record",
    "contradiction",
    "diagnose",
    "diagnose_jsonl",
    "diagnose_jsonl_line",
    "explain",
    "four_lanes",
    "hand_off_card",
    "is_jsonl",
    "page_for",
    "reads_work_writes_fail",
    "render",
    "render_jsonl",
    "rules",
    "sections",
]
