"""The words that heads of columns are made of, in the languages that exports are written in. Data only.

Without case and accents, as `column_headers.column_key` leaves them. Parts match anywhere in a head (“Agentenname”), words
only as whole words. What no list names says nothing: then the cells decide, or a person is asked.
"""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


AGENT_PARTS = _set(
    "agent user member employee associate advisor adviser representative colleague worker participant attendee operator "
    "consultant mitarbeiter benutzer anwender sachbearbeiter mitglied personaln angestellt teilnehm beschaftigt "
    "kundenberater kundenbetreuer utilisateur membre conseiller chargedeclient chargeedeclient salarie collaborateur employe "
    "usuario miembro empleado asesor colaborador funcionario operador atendente consultor "
    "utente dipendente membro operatore gebruiker medewerker anvandare medarbet medarbej bruger kayttaja tyontekij "
    "uzytkownik pracownik konsultant kullanici calisan uzivatel zamestnan пользовател сотрудник агент оператор "
    "エージェント ユーザ メンバ 社員 従業員 オペレータ 担当者 座席 坐席 用户 用戶 员工 員工 成员 成員 客服 "
    "상담원 상담사 사용자 직원 구성원"
)
AGENT_WORDS = _set("rep reps staff lid csr csrs")

OTHER_PARTS = _set(
    "manager supervis teamlead leader approv owner creator reportsto reportingto coach mentor trainer organizer planner "
    "deputy delegate emergency escalation sponsor administrator headof linemanage hrbp requester requestor submitter "
    "previous former replace behalf substitut exclude signature regards "
    "vorgesetz fuhrungskraft teamleit abteilungsleit gruppenleit schichtleit leitung genehmig ersteller stellvertret "
    "vertretung absender planer verantwortlich unterschrift "
    "responsable superieur superior gestionnaire directeur director gerente gestor aprobad suplente encargad encarregad "
    "responsabile leidinggevende teamleider esimies hyvaksyj narmastechef yonetici kierownik przelozony nadrizen "
    "руководител менеджер "
    "上司 上長 マネージャ 管理者 責任者 承認者 作成者 スーパーバイザ リーダー 班長 主管 经理 經理 上级 上級 领导 領導 "
    "관리자 상사 매니저 승인자 팀장"
)
"""Who is never the agent: the manager, who approved it, who made the file, who is no longer meant."""
OTHER_WORDS = _set(
    "reports signed boss admin mgr om jefe capo chef leder lider leiter leiterin sv tl n1 n2 "
    "thanks thank cheers danke merci gracias"
)
MADE_BY = _set("by par por von durch")
MADE = _set(
    "created modified updated changed approved requested submitted added reviewed evaluated assigned prepared exported "
    "edited signed sent reported invited managed granted erstellt geandert genehmigt cree modifie valide creado modificado "
    "aprobado creato"
)
"""“Updated by user” is who did it; “agents by queue” are agents."""

UNCLEAR_PARTS = _set(
    "nick alias evaluator assessor reviewer auditor captain coordinat koordinat tutor tuteur buddy analyst secretary contact "
    "backup partner sender scheduler inviter ansprechpartner evaluat koordynator trener opiekun created modified updated "
    "changed erstellt geandert creado creato assigned request customer kunde client"
)
"""Roles that may be the agent's or another's, and what is said of somebody: alone they choose nothing."""
SAID_OF_AGENTS = _set(
    "contact assigned request customer kunde client created modified updated changed erstellt geandert creado creato"
)
"""What may be said of agents: beside a word for agents these change nothing. A role does (“agent coordinator”)."""
ROLE_WORDS = _set("pate patin qa actor initiator caller kontakt")
UNCLEAR_WORDS = ROLE_WORDS | _set("lead leads by par por cree")
RANKS = _set("lead leads")
"""“Lead agent” is an agent, “agent lead” is who leads them."""

PERSON_PARTS = _set(
    "name mail correo courriel login guid uuid navn recipient empfanger destinatar person apellido nazwisko "
    "メール 氏名 名前 邮箱 郵箱 姓名 名称 이메일 이름 성명 почта имя фамилия"
)
PERSON_WORDS = _set(
    "id ids uid upn nom nome nombre naam namn kennung identifiant prenom imie cognome jmeno prijmeni voornaam achternaam "
    "fornavn efternavn etunimi sukunimi"
)

FILLERS = _set(
    "e i of the s a primary work business full first last display address adresse addresses no nr number nummer numero key "
    "company official legal given family middle genesys cloud wfm code principal team queue group to in for d de del der des "
    "du la le l electronique electronico service care support senior junior assigned requested "
    "elettronica posta complet completo vollstandig dienstlich geschaftlich and und et y or 工号 番号 アドレス 地址"
)

GROUPS = _set(
    "team teams queue queues group site sites location unit division department office city country language skill "
    "gruppe abteilung standort ort sprache equipe service ville site equipo grupo sede ciudad departamento squadra afdeling "
    "locatie dział zespół"
)
"""Heads above the names of groups: two of these say nothing for or against a line."""

FIRST_NAMES = _set("firstname givenname forename vorname prenom imie nombre nome voornaam fornavn etunimi jmeno 名 имя")
LAST_NAMES = _set("lastname surname familyname nachname nom nazwisko apellido apellidos cognome achternaam efternavn sukunimi")
"""Ends or beginnings of heads above parts of names, which are read together."""

LETTER_LABELS = {
    "from": False, "von": False, "de": False, "cc": False, "bcc": False, "kopie": False, "sent": False, "gesendet": False,
    "subject": False, "betreff": False, "objet": False, "date": False, "datum": False, "to": True, "an": True, "a": True,
    "reply": False, "organizer": False, "required": True, "optional": True, "replyto": False, "envoye": False,
}  # fmt: skip
"""What stands before the colon in the head of a mail, and whether those behind it are whom a list is about."""

CLOSINGS = _set(
    "thanks thank thx cheers regards sincerely best wishes yours bonne br kr danke gruss grüße grüsse gruß mfg lg vg merci "
    "cordialement amicalement gracias saludos atentamente grazie saluti obrigado obrigada atenciosamente dzięki pozdrawiam "
    "mvh hilsen hälsningar tack groeten bedankt よろしく 谢谢 감사합니다"
)
"""With which a mail ends, before the name of who wrote it."""
GREETINGS = _set(
    "hi hello hey dear hallo liebe lieber guten bonjour salut bonsoir hola estimado estimada ciao gentile olá hej cześć"
)
"""With which a mail begins, before the name of who gets it."""
EXCEPTIONS = _set(
    "not except excepting exception exceptions excluding excl keep keeping stay stays instead without minus no never but "
    "außer ausnahme ausnahmen bleiben bleibt nicht ausser ohne statt "
    "kein sauf sans pas excepto salvo sin tranne senza non exceto sem oprócz bez behalve niet utom inte undtagen"
)
"""Before somebody whom a sentence leaves out."""
STAYS = EXCEPTIONS | _set(
    "staying remain remains keeps inactive terminated leave absent sick vacation cancel canceled cancelled declined exempt "
    "exempted skip skipped "
    "inaktiv ausgeschieden abwesend krank urlaub inactif congé inactivo baja storniert abgesagt entfällt reste restent "
    "annulé queda quedan cancelado fica ficam resta restano annullato "
    "blijft zostaje nein nej nie"
)
"""Behind or beside somebody who is not meant."""
YES_OR_NO = _set("yes no y n true false x ja nein j oui non o si sí sim não da nej tak nie 1 0 * •")
NUMBERS = frozenset({"1", "0"})
"""What a column says that marks the lines that are meant."""
