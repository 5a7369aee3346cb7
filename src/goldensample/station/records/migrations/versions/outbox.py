"""The table of records that outputs have still to deliver."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "outbox",
        sa.Column("output", sa.String(16), primary_key=True),
        sa.Column("record", sa.Integer, sa.ForeignKey("records.id"), primary_key=True),
        sa.Column("refusal", sa.Text),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("outbox")
