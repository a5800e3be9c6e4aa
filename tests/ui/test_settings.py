"""The Settings screen and its values."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import Open
from tests.ui.screen import somebody, tables, words
from tests.ui.world import NEEDED, OIDC, World, add_window, stop_worker
from wfm.desk import Desk
from wfm.settings import Settings
from wfm.ui.screens.settings.model import (
    OTHER,
    SECTIONS,
    Place,
    places,
    policy,
    roles_table,
    sections,
    source_of,
    store_text,
    versions,
    who_decides,
)


def test_every_setting_has_a_section() -> None:
    named = {name for names in SECTIONS.values() for name in names}
    real = {f"WFM_{name.upper()}" for name in Settings.model_fields}
    assert named == real


def test_a_setting_that_no_section_names_is_not_lost() -> None:
    found = sections([("WFM_BRAND_NEW", "1", "new")], frozenset(), ())
    assert [row.name for row in found[OTHER]] == ["WFM_BRAND_NEW"]


def test_the_source_is_the_first_place_that_has_it() -> None:
    where = (Place("environment", frozenset({"WFM_ADMINS"})), Place(".env", frozenset({"WFM_ADMINS", "WFM_DATA_DIR"})))
    everything = frozenset({"WFM_ADMINS", "WFM_DATA_DIR", "WFM_DEMO_PORT"})
    assert source_of("WFM_ADMINS", everything, where) == "environment"
    assert source_of("WFM_DATA_DIR", everything, where) == ".env"
    assert source_of("WFM_DEMO_PORT", everything, where) == "the command that started the desk"
    assert source_of("WFM_CONFIRM_ABOVE", everything, where) == "default"


def test_files_are_read_for_names_only(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# WFM_COMMENT=1\nexport WFM_ADMINS=a@b\nwfm_data_dir = x\n\nnot a setting\n")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('WFM_CONFIRM_ABOVE = 9\n[auth]\nclient_secret = "hunter2"\n')
    environment, dotenv, toml = places({"WFM_DEMO_PORT": "1"}, tmp_path)
    assert environment.names == {"WFM_DEMO_PORT"}
    assert dotenv.names == {"WFM_ADMINS", "WFM_DATA_DIR"}
    assert {"WFM_CONFIRM_ABOVE", "WFM_OIDC_CLIENT_SECRET"} <= toml.names
    assert "hunter2" not in repr((environment, dotenv, toml))


def test_files_that_are_missing_or_broken_name_nothing(tmp_path: Path) -> None:
    assert [place.names for place in places({}, tmp_path)] == [frozenset()] * 3
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text("= broken")
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    assert [place.names for place in places({}, tmp_path)] == [frozenset()] * 3


def test_how_people_are_told_apart_is_said_for_each_kind_of_desk(world: World) -> None:
    assert "everyone is an admin" in who_decides(world.desk())
    assert "OpenID provider" in who_decides(world.desk(real=True, **OIDC))
    assert "read-only" in who_decides(world.desk(real=True))


def test_roles_name_their_holders() -> None:
    table = roles_table(("a@b", "c@d"), ())
    assert table["who"] == ["a@b and c@d", "no one named", "everyone who signs in"]


def test_policy_versions_and_store_are_said() -> None:
    assert ("Typed confirmation", "above 50 agents") in policy(50, 0.9, 300)
    assert ("Requests", "90% of the tenant's limit, 300 requests a minute") in policy(50, 0.9, 300)
    found = dict(versions())
    assert found["streamlit"][0].isdigit()
    assert found["maintenance-desk"] not in ("", "unknown")
    assert "desk.sqlite in here" in store_text({"WFM_DATA_DIR": "here"})
    secret = store_text({"WFM_DATABASE_URL": "set, not shown"})
    assert "not shown" in secret


# --- screen ---------------------------------------------------------------------------------------------------------------


def test_the_screen_shows_tenant_health_policy_and_where_values_come_from(desk: Desk, open_screen: Open) -> None:
    app = open_screen("settings")
    assert not app.exception
    shown = tables(app)
    for expected in (
        "http://127.0.0.1:8808",
        r"architect\-flow",
        " of 100,000 requests used this minute",
        "above 50 agents",
        "held by the desk, never shown",
    ):
        assert expected in shown
    assert "default" in shown
    assert "all well" in words(app)


def test_what_is_wrong_is_a_sentence(desk: Desk, open_screen: Open) -> None:
    stop_worker(desk)
    text = words(open_screen("settings"))
    assert "No worker is alive" in text
    assert "all well" not in text


def test_the_demo_is_fixed_here(desk: Desk, open_screen: Open) -> None:
    app = open_screen("settings")
    app.button(key="settings-fix").click().run()
    assert NEEDED in (desk.clients.current.scopes or ())
    app.button(key="settings-break").click().run()
    assert NEEDED not in (desk.clients.current.scopes or ())
    app.selectbox(key="settings-scenario").set_value("busy-hour").run()
    assert desk.demo is not None
    assert desk.demo.state().scenario == "busy-hour"
    app.selectbox(key="settings-client").set_value("desk").run()
    assert desk.clients.current.name == "desk"


def test_a_refused_reset_says_why(desk: Desk, open_screen: Open) -> None:
    add_window(desk, out=1)
    app = open_screen("settings")
    app.button(key="settings-reset").click().run()
    assert not app.exception
    assert "A window is open or due" in words(app)


def test_a_real_tenant_has_no_demo_switches_and_a_viewer_may_look(real_desk: Desk, open_screen: Open) -> None:
    app = open_screen("settings", user=somebody())
    assert not app.exception
    assert not [found for found in app.button if (found.key or "").startswith("settings-reset")]
    assert "`boss@example.com`" in tables(app)
    assert "set, not shown" in tables(app)
    assert real_desk.settings.genesys_client_secret is not None
    assert real_desk.settings.genesys_client_secret.get_secret_value() not in tables(app) + words(app)
    assert "viewer" in words(app)
