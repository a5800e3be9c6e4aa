"""What the head of a column says of the people below it, in the languages that exports are written in.

A head is a hint only: what a column holds is judged by its cells. It decides where two columns hold people.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache


class Whose(IntEnum):
    """Whom the cells below a head name. The higher, the likelier these are the agents that a list is about."""

    SOMEBODY_ELSE = 0
    """The manager, who approved it, who made the file."""
    NOTHING_SAID = 1
    PERSON = 2
    """An id, an e-mail, a name: it says whose nowhere."""
    AGENT = 3


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Parts of a head are looked for anywhere in it ("Agentenname"), short words only as whole words.
_AGENT_PARTS = _set(
    "agent user member employee associate advisor adviser representative colleague worker participant attendee operator "
    "mitarbeiter benutzer anwender sachbearbeiter mitglied personaln angestellt teilnehm beschaftigt "
    "utilisateur membre conseiller salarie collaborateur employe usuario miembro empleado asesor colaborador funcionario "
    "utente dipendente membro gebruiker medewerker anvandare medarbet medarbej bruger kayttaja tyontekij "
    "uzytkownik pracownik kullanici calisan uzivatel zamestnan пользовател сотрудник агент оператор エージェント "
    " ユーザ メンバ 社員 従業員 オペレータ 担当者 座席 坐席 用户 用戶 员工 員工 成员 成員 客服 상담원 사용자 직원 구성원"
)
_AGENT_WORDS = _set("rep reps staff lid")
_OTHER_PARTS = _set(
    "manager supervis teamlead leader approv owner creator created modified updated changed assigned request coach mentor "
    "trainer backup deputy delegate customer reportsto emergency partner sponsor sender organizer planner scheduler "
    "administrator previous former replace substitut exclude vorgesetz fuhrungskraft teamleit abteilungsleit gruppenleit "
    "leitung genehmig ersteller erstellt geandert stellvertret vertretung kunde absender planer verantwortlich "
    "responsable superieur gestionnaire directeur director gerente cliente aprobad creado suplente encargad responsabile "
    "creato leidinggevende teamleider esimies hyvaksyj narmastechef chef leder yonetici kierownik przelozony nadrizen "
    "руководител менеджер "
    "上司 上長 マネージャ 管理者 責任者 承認者 作成者 スーパーバイザ 主管 经理 經理 上级 上級 관리자 상사 매니저 승인자"
)
_OTHER_WORDS = _set("reports lead leads leiter boss admin by par por jefe capo client cree sv tl")
_PERSON_PARTS = _set(
    "name mail correo courriel login guid uuid navn メール 氏名 名前 邮箱 郵箱 姓名 名称 이메일 이름 성명 почта имя"
)
_PERSON_WORDS = _set("id ids uid upn nom nome nombre naam namn kennung identifiant")
_FILLERS = _set(
    "e of the s a primary work business full first last display address adresse addresses no nr number nummer numero key "
    "company official legal given family middle genesys cloud wfm code principal team queue group to in for d de del der des "
    "du la le l electronique electronico "
    "elettronica posta complet completo vollstandig dienstlich geschaftlich and und et y or 番号 アドレス 地址"
)
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def column_key(name: object) -> str:
    """A head without case, accents and everything but letters and digits."""
    text = str(name)
    return re.sub(r"[\W_]", "", (text if text.isascii() else _without_accents(text)).casefold())


@lru_cache(maxsize=4_096)
def whose(head: str) -> Whose:
    """Whom a head says that its cells name. “Agent's manager” names managers."""
    words, key = _words(head[:200]), column_key(head[:200])
    for answer, parts, whole in (
        (Whose.SOMEBODY_ELSE, _OTHER_PARTS, _OTHER_WORDS),
        (Whose.AGENT, _AGENT_PARTS, _AGENT_WORDS),
        (Whose.PERSON, _PERSON_PARTS, _PERSON_WORDS),
    ):
        if words & whole or any(part in key for part in parts):
            return answer
    return Whose.NOTHING_SAID


@lru_cache(maxsize=65_536)
def is_head(cell: str) -> bool:
    """Whether every word of a cell is one that heads of people are made of, so that it is nobody's name."""
    if len(cell) > 80:
        return False
    words = _words(cell)
    return bool(words - _FILLERS) and all(word in _FILLERS or whose(word) is not Whose.NOTHING_SAID for word in words)


def _words(head: str) -> frozenset[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", head)
    found = re.findall(r"[^\W_]+", _without_accents(apart).casefold())
    # Words of Japanese, Chinese and Korean stand without blanks: “ユーザーID” is two.
    return frozenset(
        part for word in found for part in (re.findall(r"[a-z0-9]+|[^a-z0-9]+", word) if _EASTERN.search(word) else [word])
    )


def _without_accents(text: str) -> str:
    # The marks of kana make another letter of one, those of Latin letters only its accent.
    parts = unicodedata.normalize("NFKD", text)
    kept = "".join(one for one in parts if not unicodedata.combining(one) or one in "\u3099\u309a")
    return unicodedata.normalize("NFC", kept)
