"""The ledger: what was asked and what happened. SQLite or PostgreSQL through the same code; see docs/ledger.md."""

from __future__ import annotations

from wfm.ledger.notes import Notes
from wfm.ledger.retention import Retention


class Ledger(Retention, Notes):
    """Opens the database at a URL and brings its schema up to date.

    `Ledger("sqlite:///path/desk.db")` or `Ledger("postgresql://user@host/database")`. `clock` gives aware UTC. Writes are
    short transactions; reads never block them. Errors of the database come out as StoreFault, a URL that can't be used as
    BadInput. Thread-safe; close() when done.
    """
