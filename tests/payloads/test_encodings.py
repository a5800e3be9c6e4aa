"""Bytes of any encoding: what is told by them alone, and what is not guessed."""

from __future__ import annotations

import pytest

from wfm.payloads.encodings import as_utf8, decode, encoding_of

RUSSIAN = "Время;Агент;Ошибка\n2026-11-20 10:00;Иван Петров;Недостаточно прав для доступа к ресурсу\n"
JAPANESE = "日時,エージェント,エラー\n2026-11-20 10:00,山田太郎,リソースへのアクセス権限が不足しています\n"
NATIONAL = [
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8_r"),
    (JAPANESE, "cp932"),
    (JAPANESE, "euc_jp"),
    ("时间,座席,错误\n2026-11-20 10:00,王小明,没有访问资源的权限,操作被拒绝,请联系管理员\n", "gb18030"),
    ("시간,상담원,오류\n2026-11-20 10:00,김철수,리소스에 대한 권한이 없습니다\n", "cp949"),
    ("Ώρα;Χρήστης;Σφάλμα\n2026-11-20 10:00;Γιώργος;Δεν επιτρέπεται η πρόσβαση\n", "cp1253"),
]


@pytest.mark.parametrize(("text", "encoding"), NATIONAL, ids=[encoding for _, encoding in NATIONAL])
def test_a_text_of_another_script_is_read_in_its_encoding(text: str, encoding: str) -> None:
    raw = text.encode(encoding)
    notes: list[str] = []
    assert b"".join(as_utf8([raw[:40], raw[40:]], notes)).decode() == text
    assert len(notes) == 1
    assert decode(raw) == (text, False)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
@pytest.mark.parametrize(
    "text",
    [
        "Jörg Müller;403;Zugriff verweigert – ungültige Berechtigung für Änderungen",
        "Hélène Façade;L’accès a été refusé à l’élève, déjà révoqué à Orléans",
        "Iñaki Núñez;La sesión caducó; petición inválida, versión señalada",
        "Søren Østergård;adgang nægtet på området, prøv igen på måling",
        "René",
    ],
)
def test_latin_text_is_not_taken_for_another_script(text: str, encoding: str) -> None:
    assert encoding_of((text + "\n").encode(encoding) * 3) is None


def test_one_broken_line_in_a_text_of_utf_8_changes_nothing_else() -> None:
    raw = RUSSIAN.encode() + "Ошибка доступа к ресурсу".encode("cp1251") + b"\n"
    assert encoding_of(raw) is None
    assert decode(raw)[0].startswith(RUSSIAN)


def test_bytes_that_are_no_text_have_no_encoding() -> None:
    assert encoding_of(bytes(range(256)) * 40) is None
