"""Settings: what is read from where, and that a wrong one stops the start with a sentence that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from wfm import settings
from wfm.domain.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder without settings of the developer's own."""
    import os

    for name in list(os.environ):
        if name.startswith("WFM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set() -> None:
    found = settings.load()
    assert not found.tenant_configured
    assert found.embedded
    assert found.confirm_above == 50
    assert found.genesys_timeout_s == 10
    assert found.genesys_rate_share == 0.9


def test_environment_wins_over_dotenv_and_secrets(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".streamlit").mkdir()
    (elsewhere / ".streamlit/secrets.toml").write_text('WFM_CONFIRM_ABOVE = "7"\nWFM_DEMO_AGENTS = 11\nWFM_DEMO_PORT = 9000\n')
    (elsewhere / ".env").write_text("WFM_CONFIRM_ABOVE=8\nWFM_DEMO_AGENTS=12\n")
    monkeypatch.setenv("WFM_CONFIRM_ABOVE", "9")
    found = settings.load()
    assert (found.confirm_above, found.demo_agents, found.demo_port) == (9, 12, 9000)


def test_the_auth_section_of_streamlit_serves_as_the_provider(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".streamlit").mkdir()
    (elsewhere / ".streamlit/secrets.toml").write_text(
        f'[auth]\nserver_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"\nclient_id = "desk"\n'
        f'client_secret = "s"\nredirect_uri = "http://127.0.0.1:8501/oauth2callback"\ncookie_secret = "{"x" * 32}"\n'
    )
    monkeypatch.setenv("WFM_ADMINS", "ana@example.com; bo@example.com")
    found = settings.load()
    assert found.oidc_configured
    assert found.admins == ("ana@example.com", "bo@example.com")
    assert found.auth_secrets()["auth"]["client_id"] == "desk"


OIDC = {
    "WFM_OIDC_METADATA_URL": "http://127.0.0.1:1/x",
    "WFM_OIDC_CLIENT_ID": "desk",
    "WFM_OIDC_CLIENT_SECRET": "s",
    "WFM_OIDC_REDIRECT_URI": "http://127.0.0.1:8501/oauth2callback",
    "WFM_COOKIE_SECRET": "x" * 32,
}


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"WFM_GENESYS_TIMEOUT_S": "soon"}, "WFM_GENESYS_TIMEOUT_S"),
        ({"WFM_GENESYS_TIMEOUT_S": "0"}, "WFM_GENESYS_TIMEOUT_S"),
        ({"WFM_GENESYS_RATE_SHARE": "1.5"}, "WFM_GENESYS_RATE_SHARE"),
        ({"WFM_CONFIRM_ABOVE": "-1"}, "WFM_CONFIRM_ABOVE"),
        ({"WFM_GENESYS_API_URL": "http://127.0.0.1:1"}, "WFM_GENESYS_LOGIN_URL"),
        ({"WFM_GENESYS_REGION": "us-east-1"}, "WFM_GENESYS_CLIENT_ID"),
        ({"WFM_GENESYS_REGION": "us-east-1", "WFM_GENESYS_CLIENT_ID": "c"}, "WFM_GENESYS_CLIENT_SECRET"),
        ({"WFM_DATABASE_URL": "mysql://a:hunter2@b/c"}, "WFM_DATABASE_URL"),
        ({"WFM_DATABASE_URL": "not a url with hunter2"}, "WFM_DATABASE_URL"),
        ({"WFM_DATABASE_URL": "sqlite:////data/pacing.sqlite"}, "WFM_DATABASE_URL"),  # would be made again if it is damaged
        ({"WFM_GENESYS_REGION": "mars"}, "WFM_GENESYS_REGION"),
        (
            {"WFM_GENESYS_API_URL": "http://api.example.com", "WFM_GENESYS_LOGIN_URL": "https://login.example.com"},
            "WFM_GENESYS_API_URL",
        ),
        (
            {"WFM_GENESYS_API_URL": "http://127.0.0.1:1", "WFM_GENESYS_LOGIN_URL": "http://127.0.0.1.example.com"},
            "WFM_GENESYS_LOGIN_URL",
        ),
        (OIDC, "WFM_ADMINS"),
        ({**OIDC, "WFM_ADMINS": "a", "WFM_COOKIE_SECRET": "hunter2"}, "WFM_COOKIE_SECRET"),
        ({"WFM_OIDC_METADATA_URL": "http://127.0.0.1:1/x"}, "WFM_OIDC_CLIENT_ID"),
        ({"WFM_OIDC_CLIENT_ID": "desk", "WFM_ADMINS": "a"}, "WFM_OIDC_METADATA_URL"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as refused:
        settings.load()
    assert str(refused.value).startswith(named)
    assert "hunter2" not in str(refused.value)


def test_what_was_given_is_shown_unless_it_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFM_GENESYS_TIMEOUT_S", "soon")
    with pytest.raises(BadInput, match=r"^WFM_GENESYS_TIMEOUT_S: “soon” can't be used. Accepted: a number \(seconds"):
        settings.load()


@pytest.mark.parametrize("where", ["environment", ".env", "secrets.toml"])
def test_a_setting_with_a_letter_wrong_is_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "environment":
        monkeypatch.setenv("WFM_GENESYS_REGON", "us_east_1")
    elif where == ".env":
        (elsewhere / ".env").write_text("WFM_GENESYS_REGON=us_east_1\n")
    else:
        (elsewhere / ".streamlit").mkdir()
        (elsewhere / ".streamlit/secrets.toml").write_text('WFM_GENESYS_REGON = "us_east_1"\n')
    with pytest.raises(BadInput, match=r"^WFM_GENESYS_REGON: .*WFM_GENESYS_REGION"):
        settings.load()


def test_a_name_that_resembles_no_setting_is_another_program_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFM_PLANNER_HOME", "/opt/planner")
    settings.load()


def test_lists_in_the_secrets_file_are_taken(elsewhere: Path) -> None:
    (elsewhere / ".streamlit").mkdir()
    (elsewhere / ".streamlit/secrets.toml").write_text('WFM_ADMINS = ["ana@example.com", "sub|1"]\n')
    assert settings.load().admins == ("ana@example.com", "sub|1")


def test_a_dotenv_that_is_no_text_is_named(elsewhere: Path) -> None:
    (elsewhere / ".env").write_bytes("# für uns\nWFM_CONFIRM_ABOVE=8\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"^\.env: .*UTF-8"):
        settings.load()


def test_a_broken_secrets_file_is_named(elsewhere: Path) -> None:
    (elsewhere / ".streamlit").mkdir()
    (elsewhere / ".streamlit/secrets.toml").write_text("= nonsense")
    with pytest.raises(BadInput, match=r"secrets\.toml"):
        settings.load()


def test_secrets_are_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFM_GENESYS_REGION", "us-east-1")
    monkeypatch.setenv("WFM_GENESYS_CLIENT_ID", "c")
    monkeypatch.setenv("WFM_GENESYS_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("WFM_DATABASE_URL", "postgresql://desk:hunter2@db/desk")
    found = settings.load()
    assert "hunter2" not in repr(found)
    assert "hunter2" not in found.model_dump_json()


def test_what_is_shown_names_every_setting_and_no_secret() -> None:
    made = settings.Settings(
        _env_file=None, genesys_client_secret=SecretStr("hunter2"), admins=("a@example.com", "b@example.com")
    )
    shown = {name: value for name, value, _ in made.shown()}
    assert shown.keys() == {f"WFM_{name.upper()}" for name in settings.Settings.model_fields}
    assert shown["WFM_GENESYS_CLIENT_SECRET"] == "set, not shown"
    assert shown["WFM_GENESYS_REGION"] == "not set"
    assert shown["WFM_ADMINS"] == "a@example.com, b@example.com"
    assert "hunter2" not in str(made.shown())


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8").casefold()
    lines = [line for name in ("requirements.in", "requirements-dev.in") for line in (ROOT / name).read_text().splitlines()]
    names = [re.split(r"[\[;<>= ]", line)[0] for line in lines if line and not line.startswith(("#", "-"))]
    assert len(names) > 30
    assert [name for name in names if name.casefold() not in page] == []


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    missing = [name for name in settings.Settings.model_fields if f"`WFM_{name.upper()}`" not in page]
    assert not missing
