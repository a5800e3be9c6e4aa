"""What was asked and what happened: schema, migrations, queries. Knows wfm.domain only."""

from wfm.ledger.ledger import Ledger

__all__ = ["Ledger"]
