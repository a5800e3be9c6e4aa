"""Settings: environment, `.env`, `.streamlit/secrets.toml`, in this order. Every name begins with WFM_.

A wrong setting stops the start with a sentence that names it (`BadInput`). docs/operator.md lists them all; a test
holds that list against this file.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from wfm.domain.errors import BadInput
from wfm.domain.text import has_controls
from wfm.genesys.network import Network
from wfm.genesys.regions import endpoint_for_region, endpoint_for_urls

SECRETS_FILE = Path(".streamlit/secrets.toml")
PREFIX = "WFM_"
MISSPELT = 0.85
"""Similarity (1: equal) from which an unknown name counts as a misspelled setting; other programs have their own names."""

AUTH_KEYS = {
    "server_metadata_url": "oidc_metadata_url",
    "client_id": "oidc_client_id",
    "client_secret": "oidc_client_secret",
    "redirect_uri": "oidc_redirect_uri",
    "cookie_secret": "cookie_secret",
}
"""Names in Streamlit's [auth] section, and the settings that they give."""


class _SecretsToml(EnvSettingsSource):
    """Top-level `WFM_…` keys of .streamlit/secrets.toml, where Streamlit keeps secrets too."""

    def _load_env_vars(self) -> dict[str, str | None]:
        try:
            keys = tomllib.loads(SECRETS_FILE.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
            raise BadInput(str(SECRETS_FILE), error, "a readable TOML file") from None
        found: dict[str, str | None] = {
            key.lower(): ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in keys.items()
            if not isinstance(value, dict)
        }
        # Streamlit's own [auth] section works as well as WFM_OIDC_…: both become one provider here.
        auth = keys.get("auth")
        if isinstance(auth, dict):
            for theirs, ours in AUTH_KEYS.items():
                if isinstance(auth.get(theirs), str):
                    found.setdefault(f"wfm_{ours}", auth[theirs])
        return found


class Settings(BaseSettings):
    """Everything that can be set. Nothing needs to be: without a tenant the desk works on the demo tenant."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    genesys_region: str | None = Field(None, description="Region of the tenant: us_east_1, us-east-1 or mypurecloud.com")
    genesys_api_url: str | None = Field(None, description="API address instead of a region; plain http on loopback only")
    genesys_login_url: str | None = Field(None, description="Login address that goes with WFM_GENESYS_API_URL")
    genesys_client_id: str | None = Field(None, description="OAuth client (client credentials)")
    genesys_client_secret: SecretStr | None = Field(None, description="Its secret; never shown, logged or stored")
    genesys_timeout_s: float = Field(10.0, gt=0, le=120, description="Seconds to wait for one answer")
    genesys_rate_share: float = Field(0.9, gt=0, le=1, description="Share of the tenant's rate limit the desk may use")
    https_proxy: SecretStr | None = Field(None, description="Forward proxy to the tenant: http://proxy.example:3128")
    ca_bundle: Path | None = Field(
        None, description="PEM file of certificate authorities that are trusted besides the public ones"
    )
    data_dir: Path = Field(Path(".data"), description="Folder of the embedded database")
    database_url: SecretStr | None = Field(None, description="Another database: postgresql://… or sqlite:///…")
    retention_days: int = Field(
        0, ge=0, le=36_500, description="Days that runs are kept; older ones are archived each night. 0 keeps all"
    )
    confirm_above: int = Field(50, ge=0, description="Applying to more agents than this asks for a typed confirmation")
    admins: Annotated[tuple[str, ...], NoDecode] = Field((), description="E-mails or subject ids of admins, comma separated")
    supervisors: Annotated[tuple[str, ...], NoDecode] = Field((), description="E-mails or subject ids of supervisors")
    oidc_metadata_url: str | None = Field(None, description="OpenID provider: …/.well-known/openid-configuration")
    oidc_client_id: str | None = Field(None, description="Client id at the OpenID provider")
    oidc_client_secret: SecretStr | None = Field(None, description="Client secret at the OpenID provider")
    oidc_redirect_uri: str | None = Field(None, description="Address of the desk ending in /oauth2callback")
    cookie_secret: SecretStr | None = Field(None, description="Signs the sign-in cookie; at least 32 characters")
    demo_port: int = Field(8808, ge=0, le=65535, description="Port of the demo tenant that the desk starts; 0 takes a free one")
    demo_agents: int = Field(240, ge=1, le=50_000, description="How many agents the demo tenant has")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        secrets = _SecretsToml(settings_cls)
        for source in (env_settings, dotenv_settings, secrets):
            if isinstance(source, EnvSettingsSource):
                _refuse_misspelt(source.env_vars, settings_cls.model_fields)
        return init_settings, env_settings, dotenv_settings, secrets

    @field_validator("*", mode="before")
    @classmethod
    def _without_controls(cls, value: object) -> object:
        words = value if isinstance(value, tuple) else (value,)
        if any(isinstance(word, str) and has_controls(word.strip()) for word in words):
            raise ValueError("a text in one line, without control characters")
        return value

    @field_validator("admins", "supervisors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.replace(";", ",").split(",") if part.strip())
        return value

    @field_validator(
        "genesys_region",
        "genesys_api_url",
        "genesys_login_url",
        "genesys_client_id",
        "genesys_client_secret",
        "https_proxy",
        "ca_bundle",
        "database_url",
        "oidc_metadata_url",
        "oidc_client_id",
        "oidc_client_secret",
        "oidc_redirect_uri",
        "cookie_secret",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @property
    def tenant_configured(self) -> bool:
        return bool(self.genesys_region or self.genesys_api_url)

    @property
    def network(self) -> Network:
        """The way to the tenant."""
        return Network(self.https_proxy, self.ca_bundle)

    @property
    def embedded(self) -> bool:
        """True when the database is a SQLite file of ours: one worker, guarded by an OS lock."""
        return self.ledger_url.startswith("sqlite")

    @property
    def ledger_url(self) -> str:
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'desk.sqlite').absolute()}"

    @property
    def demo_file(self) -> Path:
        """The file with the running demo tenant's address, for other processes."""
        return self.data_dir / "demo-tenant.json"

    @property
    def demo_state_file(self) -> Path:
        return self.data_dir / "demo-tenant.state"

    def demo_url(self) -> str | None:
        """Address of the demo tenant that was started last with this data folder, or None."""
        try:
            return str(json.loads(self.demo_file.read_text(encoding="utf-8"))["api"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def oidc_configured(self) -> bool:
        return self.oidc_metadata_url is not None

    def shown(self) -> list[tuple[str, str, str]]:
        """Every setting as (name, value, what it is for). Secrets show only whether they are set."""
        rows = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None or value == ():
                text = "not set"
            elif isinstance(value, SecretStr):
                text = "set, not shown"
            elif isinstance(value, tuple):
                text = ", ".join(value)
            else:
                text = str(value)
            rows.append((f"{PREFIX}{name.upper()}", text, field.description or ""))
        return rows

    def auth_secrets(self) -> dict[str, Any]:
        """Streamlit's [auth] section, made from WFM_OIDC_…; {} where no provider is configured."""
        if not self.oidc_configured:
            return {}
        # Both are checked when the settings are loaded.
        assert self.oidc_client_secret is not None
        assert self.cookie_secret is not None
        return {
            "auth": {
                "redirect_uri": self.oidc_redirect_uri,
                "cookie_secret": self.cookie_secret.get_secret_value(),
                "client_id": self.oidc_client_id,
                "client_secret": self.oidc_client_secret.get_secret_value(),
                "server_metadata_url": self.oidc_metadata_url,
                "client_kwargs": {"scope": "openid email profile", "prompt": "login", "code_challenge_method": "S256"},
            }
        }


def load(**overrides: Any) -> Settings:
    """The settings, checked against each other. Raises BadInput with a sentence that names the setting."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise _bad_input(error) from None
    except UnicodeDecodeError as error:
        raise BadInput(".env", f"byte {error.start + 1}", "a text file in UTF-8") from None
    _check_together(settings)
    return settings


def _refuse_misspelt(given: Iterable[str], fields: Iterable[str]) -> None:
    """Refuse a misspelled setting: it would be ignored, and the desk would use the default or another tenant."""
    known = [f"{PREFIX}{field}".upper() for field in fields]
    for name in (name.upper() for name in given):
        if name.startswith(PREFIX) and name not in known:
            meant = difflib.get_close_matches(name, known, n=1, cutoff=MISSPELT)
            if meant:
                raise BadInput(name, "this name", meant[0])


def _bad_input(error: ValidationError) -> BadInput:
    """Return the first error as BadInput. The given value is shown, unless the setting holds a secret."""
    first = error.errors(include_url=False)[0]
    name = "_".join(str(part) for part in first["loc"])
    field = Settings.model_fields.get(str(first["loc"][0])) if first["loc"] else None
    accepted = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ").split(", unable to")[0]
    accepted = accepted.replace("a valid ", "a ").replace("integer", "whole number")
    if field and field.description:
        accepted += f" ({field.description[0].lower()}{field.description[1:]})"
    secret = field is None or "SecretStr" in str(field.annotation)
    given = ", ".join(map(str, first["input"])) if isinstance(first["input"], tuple | list) else first["input"]
    return BadInput(f"WFM_{name.upper()}", "the given value" if secret else given, accepted)


def _check_together(settings: Settings) -> None:
    if settings.genesys_region:
        endpoint_for_region(settings.genesys_region)
    if settings.genesys_region and settings.genesys_api_url:
        raise BadInput("WFM_GENESYS_REGION", settings.genesys_region, "a region or WFM_GENESYS_API_URL, not both")
    if bool(settings.genesys_api_url) != bool(settings.genesys_login_url):
        missing = "WFM_GENESYS_LOGIN_URL" if settings.genesys_api_url else "WFM_GENESYS_API_URL"
        raise BadInput(missing, None, "an address: WFM_GENESYS_API_URL and WFM_GENESYS_LOGIN_URL go together")
    if settings.genesys_api_url and settings.genesys_login_url:
        endpoint_for_urls(settings.genesys_api_url, settings.genesys_login_url)
    if bool(settings.genesys_client_id) != bool(settings.genesys_client_secret):
        missing = "WFM_GENESYS_CLIENT_SECRET" if settings.genesys_client_id else "WFM_GENESYS_CLIENT_ID"
        raise BadInput(missing, None, "a value: client id and secret go together")
    if settings.genesys_client_id and not settings.tenant_configured:
        raise BadInput("WFM_GENESYS_REGION", None, "a region or an API address that goes with WFM_GENESYS_CLIENT_ID")
    if settings.genesys_region and not settings.genesys_client_id:
        raise BadInput("WFM_GENESYS_CLIENT_ID", None, "the id of an OAuth client (client credentials)")
    settings.network.check()
    if settings.database_url is not None:
        _check_database(settings.ledger_url)
    if not settings.oidc_configured:
        for name in ("oidc_client_id", "oidc_client_secret", "oidc_redirect_uri"):
            if getattr(settings, name) is not None:
                raise BadInput("WFM_OIDC_METADATA_URL", None, f"the provider's address, which goes with WFM_{name.upper()}")
    else:
        for name in ("oidc_client_id", "oidc_client_secret", "oidc_redirect_uri", "cookie_secret"):
            if getattr(settings, name) is None:
                raise BadInput(f"WFM_{name.upper()}", None, "a value: an OpenID provider is configured")
        assert settings.cookie_secret is not None
        if len(settings.cookie_secret.get_secret_value()) < 32:
            raise BadInput("WFM_COOKIE_SECRET", "a short one", "at least 32 characters")
        if not settings.admins:
            raise BadInput(
                "WFM_ADMINS", None, "at least one e-mail or subject id: with an OpenID provider there must be an admin"
            )


def _check_database(url: str) -> None:
    from sqlalchemy.engine import make_url  # imported only for PostgreSQL: it would slow the start with the embedded database
    from sqlalchemy.exc import ArgumentError

    from wfm.stores import WITHOUT_FACTS

    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise BadInput("WFM_DATABASE_URL", "the given value", "postgresql://… or sqlite:///…") from None
    if backend not in ("sqlite", "postgresql"):
        raise BadInput("WFM_DATABASE_URL", backend, "postgresql://… or sqlite:///…")
    name = Path(parsed.database or "").name
    if backend == "sqlite" and name in WITHOUT_FACTS:
        raise BadInput(
            "WFM_DATABASE_URL", name, "a file of another name: the desk makes a file of this one again if it is damaged"
        )
