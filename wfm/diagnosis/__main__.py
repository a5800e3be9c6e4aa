"""`python -m wfm.diagnosis` writes docs/errors/ anew from the rules."""

from wfm.diagnosis.pages import write

write()
