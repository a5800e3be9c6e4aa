"""What the Settings screen shows, as values: each setting with its source, people and roles, versions."""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from wfm.desk import Desk
from wfm.domain.sentences import join_words
from wfm.settings import AUTH_KEYS, PREFIX

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Tenant and client": (
        "WFM_GENESYS_REGION",
        "WFM_GENESYS_API_URL",
        "WFM_GENESYS_LOGIN_URL",
        "WFM_GENESYS_CLIENT_ID",
        "WFM_GENESYS_CLIENT_SECRET",
        "WFM_HTTPS_PROXY",
        "WFM_CA_BUNDLE",
    ),
    "Limits and policy": ("WFM_GENESYS_TIMEOUT_S", "WFM_GENESYS_RATE_SHARE", "WFM_CONFIRM_ABOVE"),
    "Data store": ("WFM_DATA_DIR", "WFM_DATABASE_URL", "WFM_RETENTION_DAYS"),
    "People and sign-in": (
        "WFM_ADMINS",
        "WFM_SUPERVISORS",
        "WFM_OIDC_METADATA_URL",
        "WFM_OIDC_CLIENT_ID",
        "WFM_OIDC_CLIENT_SECRET",
        "WFM_OIDC_REDIRECT_URI",
        "WFM_COOKIE_SECRET",
    ),
    "Demo tenant": ("WFM_DEMO_PORT", "WFM_DEMO_AGENTS"),
}
OTHER = "Everything else"
PACKAGES = ("streamlit", "httpx", "sqlalchemy", "dbos", "pydantic", "stamina")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting. `source` says where its value comes from: environment, a file, or the default."""

    name: str
    value: str
    purpose: str
    source: str


def sections(shown: Iterable[tuple[str, str, str]], set_names: frozenset[str], places: Sequence[Place]) -> dict[str, list[Row]]:
    """Every setting under its heading; one that no heading names comes under "Everything else", so that none is lost.

    `set_names` are the settings that something gave a value, in capitals with WFM_.
    """
    rows = {
        name: Row(name=name, value=value, purpose=purpose, source=source_of(name, set_names, places))
        for name, value, purpose in shown
    }
    found = {title: [rows.pop(name) for name in names if name in rows] for title, names in SECTIONS.items()}
    found[OTHER] = list(rows.values())
    return {title: section for title, section in found.items() if section}


# --- where from ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that settings are read from: its words, and the names found there (in capitals)."""

    words: str
    names: frozenset[str]


def places(environment: Mapping[str, str] = os.environ, folder: Path = Path()) -> tuple[Place, ...]:
    """The places in the order in which the desk looks: environment, .env, secrets.toml. Names only, never values."""
    return (
        Place("environment", frozenset(name.upper() for name in environment)),
        Place(".env", _dotenv_names(folder / ".env")),
        Place(".streamlit/secrets.toml", _toml_names(folder / ".streamlit" / "secrets.toml")),
    )


def source_of(name: str, set_names: frozenset[str], where: Sequence[Place]) -> str:
    """Where that setting's value comes from."""
    if name not in set_names:
        return "default"
    return next((place.words for place in where if name in place.names), "the command that started the desk")


def _dotenv_names(path: Path) -> frozenset[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return frozenset()
    names = (line.split("=", 1)[0].strip().removeprefix("export ").strip() for line in lines if "=" in line)
    return frozenset(name.upper() for name in names if name and not name.startswith("#"))


def _toml_names(path: Path) -> frozenset[str]:
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return frozenset()
    names = {str(name).upper() for name in keys}
    auth = keys.get("auth")
    if isinstance(auth, dict):
        names |= {f"{PREFIX}{ours.upper()}" for theirs, ours in AUTH_KEYS.items() if theirs in auth}
    return frozenset(names)


# --- people, policy, versions --------------------------------------------------------------------------------------------


def who_decides(desk: Desk) -> str:
    """How this desk tells people apart, in a sentence."""
    if desk.tenant.is_demo:
        return "The demo tenant: everyone is an admin, because nothing here reaches a real tenant."
    if desk.settings.oidc_configured:
        return (
            "People sign in with the OpenID provider. WFM_ADMINS and WFM_SUPERVISORS name admins and supervisors by e-mail or "
            "subject id; everyone else who signs in is a viewer."
        )
    return (
        "No OpenID provider is configured: this desk is read-only and on this machine only. The command line acts with the "
        "rights of whoever holds the client secret and records the operating system's user."
    )


def roles_table(admins: Sequence[str], supervisors: Sequence[str]) -> dict[str, list[str]]:
    """Roles, what each may do, and who holds it."""
    return {
        "role": ["admin", "supervisor", "viewer"],
        "may": [
            "everything a supervisor may, imports, archiving, and the switches of this screen",
            "plan, take out, restore, retry, execute Data Actions",
            "see everything",
        ],
        "who": [
            join_words(tuple(admins)) or "no one named",
            join_words(tuple(supervisors)) or "no one named",
            "everyone who signs in",
        ],
    }


def policy(confirm_above: int, rate_share: float, limit_per_minute: int) -> list[tuple[str, str]]:
    """The rules that guard every window, as (rule, what it is here)."""
    share = f"{rate_share:.0%} of the tenant's limit"
    if limit_per_minute:
        share += f", {limit_per_minute} requests a minute"
    return [
        ("Typed confirmation", f"above {confirm_above} agents"),
        ("Halt", "when the first 5 updates fail for one cause"),
        ("Requests", share),
        ("Restore", "only states that no one has changed since; an agent off shift by then is listed, not made available"),
        ("Longest window", "31 days, at most 26 weeks ahead"),
    ]


def versions() -> list[tuple[str, str]]:
    found = [("maintenance-desk", _version("maintenance-desk") or _project_version()), ("python", platform.python_version())]
    found += [(name, _version(name) or "not installed") for name in PACKAGES]
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _project_version() -> str:
    file = Path(__file__).resolve().parents[4] / "pyproject.toml"
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


def store_text(shown: Mapping[str, str]) -> str:
    """Where the ledger is, without any password."""
    if shown.get("WFM_DATABASE_URL", "not set") != "not set":
        return "A separate database (WFM_DATABASE_URL; its address is not shown, because it may contain a password)."
    return f"The embedded database: desk.sqlite in {shown.get('WFM_DATA_DIR', '.data')}. Back up that folder."
