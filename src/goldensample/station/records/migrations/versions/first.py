"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _records_table()
    _other_tables()


def _records_table() -> None:
    """Create the table of records."""
    op.create_table(
        "records",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("verdict", sa.String(8)),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("p_value", sa.Float),
        sa.Column("limit_score", sa.Float),
        sa.Column("limit_review", sa.Float),
        sa.Column("limit_pixel", sa.Float),
        sa.Column("regions", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("picture_sha256", sa.String(64), nullable=False),
        sa.Column("picture_bytes", sa.Integer, nullable=False),
        sa.Column("heat_sha256", sa.String(64)),
        sa.Column("kept", sa.Boolean, nullable=False),
        sa.Column("answer", sa.String(8)),
        sqlite_autoincrement=True,
    )
    op.create_index("records_by_time", "records", ["time"])
    op.create_index("records_by_product", "records", ["product", "id"])
    op.create_index("records_by_picture", "records", ["picture_sha256"])
    op.create_index("records_by_heat", "records", ["heat_sha256"])
    op.create_index("records_by_answer", "records", ["product", "answer", "verdict"])


def _other_tables() -> None:
    """Create the tables of feedback, changes and seen files."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("record", sa.Integer, sa.ForeignKey("records.id"), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(8), nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("undone", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_record", "feedback", ["record"])
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("words", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_product", "changes", ["product"])
    op.create_table(
        "seen",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("stamp", sa.String(64), primary_key=True),
        sa.Column("record", sa.Integer),
        sa.Column("error", sa.Text),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("seen", "changes", "feedback", "records"):
        op.drop_table(name)
