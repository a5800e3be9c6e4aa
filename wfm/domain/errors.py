"""What the desk says no to, by whose side it is. Screens show any of them; work never treats one side as another.

DeskError
├── UserError         what was asked for can't be done, whatever the tenant and the database do
│   ├── BadInput      the words given are wrong: names the field, what was given, what is accepted
│   ├── NotFound      there is no such operation, run or action in this tenant
│   ├── Refused       the words are right, the rules say no: access, staleness, policy, a route that can't do it
│   └── NotAllowed    the person at the screen lacks the capability
├── GenesysError      what the tenant answered, or that it did not (wfm/genesys/errors.py)
└── StoreFault        the desk's own database can't be read or written just now: says nothing of the tenant
"""

from __future__ import annotations

from wfm.domain.text import echoed, has_controls, shortened


class DeskError(Exception):
    """A sentence for the person at the screen. `str(error)` is that sentence, without secrets, inert and of bounded length."""

    def __str__(self) -> str:
        return echoed(super().__str__())


class UserError(DeskError):
    """What was asked for can't be done: the same words get the same answer."""


class BadInput(UserError):
    """A field that can't be used (`given` None: one that is missing). Nothing was written, nothing was lost."""

    def __init__(self, field: str, given: object, accepted: str) -> None:
        self.field = field
        self.given = given
        self.accepted = accepted
        shown = shortened(str(given), 80)
        if given is None:
            super().__init__(f"{field} is missing. Accepted: {accepted}.")
        else:
            super().__init__(f"{field}: “{shown}” can't be used. Accepted: {accepted}.")


def refuse_controls(field: str, text: str, *, lines: bool = False) -> None:
    """Raises BadInput for a text with control characters or terminal escapes in it. `lines`: it may have several lines."""
    if has_controls(text, lines=lines):
        raise BadInput(field, text, f"a text {'' if lines else 'in one line, '}without control characters")


class NotFound(UserError):
    """There is no such thing in this tenant's ledger or directory."""


class Refused(UserError):
    """A plan or an action that may not go ahead now.

    `code` is one of: nobody_ready, access_missing, stale, policy, not_undoable, too_slow, state, in_another_window,
    not_offered (the route can't be taken for this window), busy (somebody else is at it).
    `differences` are sentences: what changed since the preview, or what is missing.
    """

    def __init__(self, code: str, sentence: str, differences: tuple[str, ...] = ()) -> None:
        self.code = code
        self.differences = tuple(map(echoed, differences))
        super().__init__(sentence)


class NotAllowed(UserError):
    """The person lacks the capability that this needs."""


class StoreFault(DeskError):
    """The desk's database is locked, full, read-only or gone. Says which and what to do.

    It says nothing of the tenant: what was sent before it stays sent, and it is never the outcome of an update.
    """
