"""What a camera says of a frame, with its record."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("records", sa.Column("frame", sa.JSON))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("records", "frame")
