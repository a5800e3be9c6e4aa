"""From what a database driver says to a sentence for people. Names the file or the host, never a password."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from wfm.domain.errors import StoreFault
from wfm.stores import PassingFault, disk_full

_LOCKED = "Nothing was written. Try again in a moment; if it stays so, find the program that has the file open."
_FREE = "Nothing was written. Free some space and try again."
_POSTGRES_BY_STATE = {
    "28P01": "refuses the user or the password. Check WFM_DATABASE_URL",
    "28000": "refuses this user. Check WFM_DATABASE_URL and the server's pg_hba.conf",
    "3D000": "has no database of that name. Create it, or correct WFM_DATABASE_URL",
    "42501": "does not allow this user to do that. Grant it rights on the schema",
    "25006": "is read-only (a standby?). Point WFM_DATABASE_URL at the primary server",
    "57014": "took too long to answer and was interrupted. Try again, or narrow the question",
}
_POSTGRES_PASSING = {
    "53100": ("has no space left on its disk", _FREE),
    "53300": ("has no connection left", "Raise max_connections or run fewer processes."),
    "55P03": ("has been locked for too long by another transaction", "Nothing was written. Try again in a moment."),
    "55000": ("does not accept connections just now", "Try again when it does."),
}


def place_of(url: sa.URL) -> str:
    """Where the database is, for people: the file, or the host and the name of the database."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    host = url.host or str(url.query.get("host") or "localhost")
    port = f":{url.port}" if url.port else ""
    return f"{host}{port}/{url.database or ''}"


def store_fault(error: Exception, url: sa.URL) -> StoreFault | None:
    """The fault that this error of SQLAlchemy is, or None for one that is a mistake in our own code."""
    if isinstance(error, sa.exc.TimeoutError):
        return PassingFault(f"All connections to the desk's database ({place_of(url)}) are in use", "Try again in a moment.")
    if not isinstance(error, sa.exc.DBAPIError):
        return None
    if url.get_backend_name() == "sqlite":
        return _sqlite_fault(str(error.orig), Path(url.database or ""))
    return _postgres_fault(error, place_of(url))


def _sqlite_fault(said: str, file: Path) -> StoreFault | None:
    said = said.lower()
    at = f"The desk's database {file}"
    if "locked" in said or "busy" in said:
        return PassingFault(f"{at} is locked by another program", _LOCKED)
    if "readonly" in said or "read-only" in said:
        return StoreFault(f"{at} is read-only. Nothing was written. Make the file and its folder writable for this user.")
    # SQLite calls a full disk an I/O error, or a file that can't be opened, where it was about to make or grow one beside it.
    if "full" in said or (("i/o error" in said or "unable to open" in said) and disk_full(file)):
        return PassingFault(f"{at} can't grow: the disk is full", _FREE)
    if "unable to open" in said:
        return StoreFault(f"{at} can't be opened: {_why_not_opened(file)}.")
    if "not a database" in said or "malformed" in said:
        return StoreFault(
            f"{at} is damaged or is no database. Move it away, or put a copy of it back; WFM_DATA_DIR names its folder."
        )
    if "i/o error" in said:
        return StoreFault(f"{at} can't be read or written: the disk reports an error. Check the disk before going on.")
    return None


def _why_not_opened(file: Path) -> str:
    folder = file.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist. Create it, or set WFM_DATA_DIR to another"
    if file.is_dir():
        return "it is a folder, not a file. Set WFM_DATA_DIR or WFM_DATABASE_URL to another place"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this user may not write in the folder {folder}. Change its rights, or set WFM_DATA_DIR to another"
    return f"this user may not read or write it. Change its rights, or those of {folder}"


def _postgres_fault(error: sa.exc.DBAPIError, place: str) -> StoreFault | None:
    at = f"The desk's database, PostgreSQL at {place},"
    state = getattr(error.orig, "sqlstate", None)
    if state in _POSTGRES_PASSING:
        what, advice = _POSTGRES_PASSING[state]
        return PassingFault(f"{at} {what}", advice)
    if state in _POSTGRES_BY_STATE:
        return StoreFault(f"{at} {_POSTGRES_BY_STATE[state]}.")
    lost = state is None or state.startswith(("08", "57P"))
    passing = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and lost
    if error.connection_invalidated or passing:
        said = str(error.orig)
        if "authentication failed" in said:
            return StoreFault(f"{at} {_POSTGRES_BY_STATE['28P01']}.")
        if "does not exist" in said and "database" in said:
            return StoreFault(f"{at} {_POSTGRES_BY_STATE['3D000']}.")
        advice = "Nothing was written. Check that the server runs and can be reached from here."
        return PassingFault(f"{at} doesn't answer", advice)
    return None
