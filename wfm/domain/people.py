"""Who is at the screen and what they may do. Fails closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from wfm.domain.errors import NotAllowed


class Role(IntEnum):
    """Three roles; each holds everything the one below holds."""

    ANONYMOUS = 0
    VIEWER = 1
    SUPERVISOR = 2
    ADMIN = 3


class Capability(StrEnum):
    """What a page or an action asks for."""

    VIEW = "view"
    EXECUTE = "execute"
    ADMINISTER = "administer"


LEAST_ROLE: dict[Capability, Role] = {
    Capability.VIEW: Role.VIEWER,
    Capability.EXECUTE: Role.SUPERVISOR,
    Capability.ADMINISTER: Role.ADMIN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person (or cron job) on whose behalf something is done. `subject` is stable, `name` is shown."""

    subject: str
    name: str
    role: Role
    read_only_reason: str = ""

    def may(self, capability: Capability) -> bool:
        least = LEAST_ROLE.get(capability)
        return least is not None and self.role >= least

    def require(self, capability: Capability) -> None:
        """Raise NotAllowed unless the actor may. Every method that writes calls this: screens are not trusted."""
        if not self.may(capability):
            raise NotAllowed(self.read_only_reason or f"{self.name or 'Nobody signed in'} may not do this here.")


ANONYMOUS = Actor(subject="", name="anonymous", role=Role.ANONYMOUS)
