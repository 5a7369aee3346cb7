"""Parts of several views, and who a record is of: part, view, serial number and job."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and add the columns."""
    op.create_table(
        "parts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("product", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(255), nullable=False),
        sa.Column("job", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("milliseconds", sa.Float),
        sa.Column("verdict", sa.String(8)),
        sa.Column("p_value", sa.Float),
        sa.Column("view", sa.String(32), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("parts_by_product", "parts", ["product", "id"])
    op.create_index("parts_by_serial", "parts", ["serial"])
    op.create_index("parts_by_job", "parts", ["job"])
    op.create_index("parts_by_verdict", "parts", ["verdict"])
    op.add_column("records", sa.Column("part", sa.Integer))
    op.add_column("records", sa.Column("view", sa.String(32)))
    op.add_column("records", sa.Column("serial", sa.String(255)))
    op.add_column("records", sa.Column("job", sa.String(64)))
    op.create_index("records_by_part", "records", ["part"])


def downgrade() -> None:
    """Drop what was added."""
    op.drop_index("records_by_part", "records")
    for name in ("job", "serial", "view", "part"):
        op.drop_column("records", name)
    op.drop_table("parts")
