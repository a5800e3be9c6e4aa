"""What a person may do, and the sentence for one who may not."""

from __future__ import annotations

import pytest

from wfm.domain.errors import NotAllowed
from wfm.domain.people import ANONYMOUS, Actor, Capability, Role


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("capability", Capability)
def test_only_who_may_gets_on(role: Role, capability: Capability) -> None:
    actor = Actor(subject="s", name="Vi", role=role)
    if actor.may(capability):
        actor.require(capability)
    else:
        with pytest.raises(NotAllowed, match="Vi may not do this here"):
            actor.require(capability)


def test_nobody_may_do_anything() -> None:
    assert not any(ANONYMOUS.may(capability) for capability in Capability)


def test_a_reason_of_the_role_is_what_is_said() -> None:
    reader = Actor(subject="s", name="Vi", role=Role.VIEWER, read_only_reason="Viewers look only.")
    with pytest.raises(NotAllowed, match=r"^Viewers look only\.$"):
        reader.require(Capability.EXECUTE)
