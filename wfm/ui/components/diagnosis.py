"""What an error means, as every screen says it: the word of its kind, its cause in short, cause and fix field by field."""

from __future__ import annotations

import streamlit as st

from wfm.domain.diagnoses import Diagnosis, Kind
from wfm.domain.operations import FailureGroup, Run
from wfm.domain.sentences import format_number, quantity
from wfm.ui.components.markdown import code, escape_markdown


def kind_word(kind: Kind | str) -> str:
    """A cause kind as people read it: "missing scope"."""
    return kind.words if isinstance(kind, Kind) else str(kind).replace("_", " ")


def cause_word(run: Run) -> str:
    """What the table says of the cause: the kind and what is missing, or the note of a run that did not fail."""
    if run.kind is None:
        return run.cause or run.note
    return f"{kind_word(run.kind)}: {', '.join(run.missing)}" if run.missing else kind_word(run.kind)


def runs_of(group: FailureGroup) -> str:
    """How many runs failed for a cause, those of the demo tenant's examples apart."""
    if not group.runs and group.examples:
        return f"{quantity(group.examples, 'run')} in the examples"
    return quantity(group.runs, "run") + (f" and {format_number(group.examples)} in the examples" if group.examples else "")


PROVENANCE = {
    "published": "published by Genesys",
    "observed": "observed in real payloads",
    "brief": "from the brief, not published by Genesys",
}


def meaning(diagnosis: Diagnosis, *, missing: bool = True) -> None:
    """What an error payload means, field by field, with where that knowledge comes from.

    `missing` is False where the lanes beside it say already what is missing.
    """
    if diagnosis.missing and missing:
        st.markdown("Missing: " + ", ".join(code(name) for name in diagnosis.missing))
    if diagnosis.divisions:
        st.markdown("Divisions: " + ", ".join(code(name) for name in diagnosis.divisions))
    lines = [("Fix", diagnosis.fix), ("Confirm", diagnosis.confirm), ("Who can", diagnosis.who)]
    st.markdown("  \n".join(f"**{name}** {escape_markdown(sentence)}" for name, sentence in lines if sentence))
    provenance = PROVENANCE.get(diagnosis.provenance.value, diagnosis.provenance.value)
    retry = "a retry can help" if diagnosis.retryable else "a retry alone does not help"
    if diagnosis.nothing_failed:
        retry = "nothing to try again"
    st.caption(f"{diagnosis.what} · {retry} · {provenance} · {diagnosis.confidence.value} · rule {code(diagnosis.rule)}")
    if len(diagnosis.chain) > 1:
        with st.expander(f"{len(diagnosis.chain)} errors, one inside the other"):
            st.markdown("\n".join(f"{number}. {escape_markdown(line)}" for number, line in enumerate(diagnosis.chain, start=1)))
