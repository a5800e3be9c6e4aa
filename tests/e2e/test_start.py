"""Starting and stopping: a wrong setting stops the start with a sentence that names it, and with no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import ROOT, free_port, running_desk


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"WFM_CONFIRM_ABOVE": "abc"}, "WFM_CONFIRM_ABOVE"),
        ({"WFM_DATA_DIR": "/proc/nowhere"}, "WFM_DATA_DIR"),
        ({"WFM_DATABASE_URL": "mysql://x/y"}, "WFM_DATABASE_URL"),
        (
            {"WFM_GENESYS_REGION": "nowhere", "WFM_GENESYS_CLIENT_ID": "a", "WFM_GENESYS_CLIENT_SECRET": "hunter2"},
            "WFM_GENESYS_REGION",
        ),
        (
            {
                "WFM_OIDC_METADATA_URL": "http://127.0.0.1:1/x",
                "WFM_OIDC_CLIENT_ID": "a",
                "WFM_OIDC_CLIENT_SECRET": "hunter2",
                "WFM_OIDC_REDIRECT_URI": "http://127.0.0.1:8501/oauth2callback",
                "WFM_COOKIE_SECRET": "x" * 40,
            },
            "WFM_ADMINS",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(settings: dict[str, str], named: str, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("WFM_", "STREAMLIT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port())],
        cwd=ROOT,
        env={**clean, "WFM_DATA_DIR": str(tmp_path), "WFM_DEMO_PORT": "0", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"The desk does not start: {named}" in said
    assert "Traceback" not in said
    assert "hunter2" not in said


def test_it_says_where_it_is_and_stops_what_it_started(tmp_path: Path) -> None:
    with running_desk(tmp_path, WFM_DEMO_AGENTS="20") as desk:
        demo = (tmp_path / "demo-tenant.json").read_text(encoding="utf-8")
        address = demo.split('"api": "', 1)[1].split('"', 1)[0]
        assert httpx.get(f"{address}/_demo/info").status_code == 200
        said = desk.stop()
    assert f"The desk is at {desk.url}" in said
    assert said.count(desk.url) == 1  # nothing names it earlier than it answers
    assert "Traceback" not in said
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/_demo/info", timeout=2.0)


def test_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    with running_desk(tmp_path, WFM_DEMO_AGENTS="20") as desk:
        desk.process.send_signal(signal.SIGINT)
        assert desk.process.wait(60) == 0
        said = desk.log.read_text(encoding="utf-8")
    assert "Aborted" not in said
    assert "Traceback" not in said
