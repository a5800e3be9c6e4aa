"""What stands on a screen under AppTest, and who looks at it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button


def words(app: AppTest) -> str:
    """Everything that is written on a screen."""
    kinds = (
        *(app.markdown, app.caption, app.warning, app.error, app.info, app.success),
        *(app.code, app.title, app.header, app.subheader),
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def tables(app: AppTest) -> str:
    """Everything that stands in the tables of a screen."""
    return "\n".join(table.value.to_string(max_colwidth=400) for table in app.table)


def button(app: AppTest, label: str) -> Button:
    """The button of that label."""
    return next(found for found in app.button if found.label == label)


def keys(app: AppTest) -> set[str]:
    """The keys of the buttons of a screen."""
    return {str(found.key) for found in app.button}


def somebody(email: str = "viewer@example.com") -> dict[str, Any]:
    """The claims of somebody who signed in just now."""
    return {"is_logged_in": True, "sub": email, "email": email, "iat": datetime.now(UTC).timestamp()}
