"""`python -m wfm.diagnosis` writes docs/errors/ from the rules."""

from wfm.diagnosis.rule_docs import write

write()
