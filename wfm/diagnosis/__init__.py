"""What an error payload means: `diagnose`, and the rules that know it.

`diagnose(status, headers, body, evidence) -> Diagnosis` takes any bytes and never raises. One cause is one rule in
wfm/diagnosis/rules, with its documentation and an example payload; docs/errors/ is made from them.
"""

from __future__ import annotations

from wfm.diagnosis.judging import diagnose
from wfm.diagnosis.lines import diagnose_jsonl_line, render

__all__ = ["diagnose", "diagnose_jsonl_line", "render"]
