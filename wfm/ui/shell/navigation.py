"""Which screens there are. To add one: docs/how-to-add-a-screen.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wfm.domain.people import Capability

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Upload:
    """What a screen takes as a file: who may send one, and how large it may be."""

    needs: Capability
    max_mb: int


@dataclass(frozen=True, slots=True)
class Screen:
    """One page file. `name` is its file and its address; `needs` is what its first statement requires."""

    name: str
    title: str
    icon: str
    needs: Capability
    listed: bool = True
    """Whether the menu names it. One that it does not name is reached from another screen, and by its address."""
    upload: Upload | None = None
    """None: it takes no file, and no session that shows it may send one."""

    @property
    def path(self) -> Path:
        return ROOT / "pages" / f"{self.name}.py"


SCREENS = (
    Screen("now", "Now", ":material/monitor_heart:", Capability.VIEW),
    Screen("plan", "Plan", ":material/edit_calendar:", Capability.VIEW, upload=Upload(Capability.VIEW, 5)),
    Screen("windows", "Windows", ":material/event_busy:", Capability.VIEW),
    Screen("runs", "Runs", ":material/receipt_long:", Capability.VIEW),
    Screen(
        "import_runs",
        "Import runs",
        ":material/upload_file:",
        Capability.VIEW,
        listed=False,
        upload=Upload(Capability.ADMINISTER, 50),
    ),
    Screen("failures", "Failures", ":material/report:", Capability.VIEW),
    Screen("access", "Access", ":material/key:", Capability.VIEW),
    Screen("data_actions", "Data Actions", ":material/bolt:", Capability.VIEW),
    Screen("settings", "Settings", ":material/settings:", Capability.VIEW),
)


def page(name: str) -> str:
    """The page file of that name, for st.switch_page and st.page_link."""
    return str(next(screen for screen in SCREENS if screen.name == name).path)
