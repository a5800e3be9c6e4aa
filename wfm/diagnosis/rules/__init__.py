"""Every rule, in the order in which they are asked. A new cause is a new Rule in the file beside this one that fits.

A case is put to all rules once for each strength of matcher (see `Matchers`): special tests, codes, sentences, weak codes,
the bare status. So a code outranks a sentence and a sentence a status, whatever the order of the rules; among equals
the first wins, which is why the particular stand before the general.
"""

from __future__ import annotations

from wfm.diagnosis.rules import (
    access,
    aws,
    brief,
    conflict,
    data_action,
    elsewhere,
    lookup,
    operations,
    request,
    servers,
    sign_in,
    token_server,
    unread,
)
from wfm.diagnosis.rules.base import Case
from wfm.diagnosis.rules.record import Example, Matchers, Rule, Sentences, Variant

RULES: tuple[Rule, ...] = (
    *brief.RULES,
    *token_server.RULES,
    *elsewhere.RULES,
    *aws.RULES,
    *sign_in.RULES,
    *access.RULES,
    *data_action.RULES,
    *operations.RULES,
    *lookup.RULES,
    *conflict.RULES,
    *servers.RULES,
    *request.RULES,
)

UNREAD: tuple[Rule, ...] = unread.RULES
"""Asked last, and a torn answer before its bare status is believed."""

__all__ = ["RULES", "UNREAD", "Case", "Example", "Matchers", "Rule", "Sentences", "Variant"]
