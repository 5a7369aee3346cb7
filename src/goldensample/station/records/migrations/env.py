"""Run by Alembic, with the connection that `migration.migrate` gives it."""

from alembic import context

from goldensample.station.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
