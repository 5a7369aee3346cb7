"""Records of pictures that could not be read: they have no score."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
REQUIRED, OPTIONAL = "score FLOAT NOT NULL", "score FLOAT"


def upgrade() -> None:
    """Let a record have no score."""
    if op.get_bind().dialect.name == "sqlite":
        _replace_in_schema(REQUIRED, OPTIONAL)
    else:
        op.alter_column("records", "score", existing_type=sa.Float, nullable=True)


def downgrade() -> None:
    """Delete records without a score, and demand one."""
    op.execute("DELETE FROM records WHERE score IS NULL")
    if op.get_bind().dialect.name == "sqlite":
        _replace_in_schema(OPTIONAL, REQUIRED)
    else:
        op.alter_column("records", "score", existing_type=sa.Float, nullable=False)


def _replace_in_schema(old: str, new: str) -> None:
    """Replace text in the definition of the table of records, whose rows stay where they are.

    SQLite has no ALTER COLUMN; a new table in the place of this one would break the references
    to it, and copy all records. Source: sqlite.org/lang_altertable.html, section 7.
    """
    connection = op.get_bind()
    version = int(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND "
        "name = 'records'",
        (old, new),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
