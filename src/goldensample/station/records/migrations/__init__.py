"""The changes of the tables, from the first version on; Alembic runs them."""
