"""What heads of columns say, in the languages of exports."""

from __future__ import annotations

import pytest

from wfm.files.column_headers import Whose, is_head, is_section, whose

SAID = {
    Whose.AGENT: (
        *("Customer Service Representative", "Assigned Agent", "Kundenberater", "Kundenbetreuer", "Kundendienstmitarbeiter"),
        *("Conseiller client", "Chargé de clientèle", "Asesor de clientes", "Customer Service Agent", "Lead Agent"),
        *("Customer Care Representative Email", "Requested agent", "Agents by queue", "Agente por turno", "Email by agent"),
        *("상담사", "Konsultant", "Atendente", "Çalışan", "Kullanıcı", "ユーザーID", "targetUserId", "Contact Center Agent"),
    ),
    Whose.PERSON: ("Person", "Prénom", "Apellidos", "Imię", "Nazwisko", "E-mail", "Name", "Recipient", "Voornaam"),
    Whose.NOTHING_SAID: ("Site", "Management Unit", "Pod", ""),
    Whose.UNCLEAR: (
        *("Evaluator Name", "Captain Email", "Analyst Name", "Nom du tuteur", "Name Koordinator", "Buddy", "Contact Email"),
        *("Assigned to", "Customer", "Team Pod Lead", "Agent coordinator", "initiator.userId", "Nickname"),
    ),
    Whose.SOMEBODY_ELSE: (
        *("Agent's manager", "Manager of agent", "Agent Lead", "Agent Coach", "Updated by user", "Approved by", "N+1"),
        *("HRBP Email", "Head of Department", "Escalation contact", "Lider", "Gestor", "Encarregado", "Schichtleiter"),
        *("リーダー", "领导", "팀장", "Absender", "Przełożony", "Yönetici", "Previous Agent Name", "Agents to exclude"),
        "E-mail (Line management)",
    ),
}


@pytest.mark.parametrize(("said", "head"), [(said, head) for said, heads in SAID.items() for head in heads])
def test_whom_a_head_names(said: Whose, head: str) -> None:
    assert whose(head) is said


@pytest.mark.parametrize("name", ["Aylin Şahin", "Léa Martin", "Søren Ægir", "Malmö", "Łukasz Kowal", "Nora Best"])
def test_a_name_is_no_head(name: str) -> None:
    assert not is_head(name)
    assert not is_section(name)


@pytest.mark.parametrize("text", ["Supervisors", "Do not include:", "Agents on leave:", "Signed:"])
def test_a_text_of_its_own_may_head_what_stands_below(text: str) -> None:
    assert is_section(text)
