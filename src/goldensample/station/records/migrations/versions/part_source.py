"""Where a part of several views came from."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; parts of before came by the API."""
    source = sa.Column("source", sa.String(16), nullable=False, server_default="api")
    op.add_column("parts", source)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("parts", "source")
