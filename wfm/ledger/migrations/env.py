"""Runs the migrations on the connection that wfm/ledger/migrate.py hands over, inside its transaction."""

from alembic import context

from wfm.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the transaction is the caller's, around all the steps together
)
context.run_migrations()
