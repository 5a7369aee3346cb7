"""How bright and sharp pictures were, with their records."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
NAMES = ("brightness", "sharpness")


def upgrade() -> None:
    """Add the columns."""
    for name in NAMES:
        op.add_column("records", sa.Column(name, sa.Float))


def downgrade() -> None:
    """Drop the columns."""
    for name in NAMES:
        op.drop_column("records", name)
