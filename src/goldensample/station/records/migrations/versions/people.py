"""Who answered, at the record; answers that are proposals; marks of missed defects."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table, and fill in who answered until now."""
    op.add_column("records", sa.Column("answered_by", sa.String(64)))
    op.execute(
        "UPDATE records SET answered_by = (SELECT operator FROM feedback WHERE "
        "feedback.record = records.id AND feedback.undone IS NULL ORDER BY feedback.id DESC "
        "LIMIT 1) WHERE answer IS NOT NULL"
    )
    proposed = sa.Column("proposed", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("feedback", proposed)
    op.create_index("feedback_by_proposed", "feedback", ["proposed"])
    op.create_table(
        "marks",
        sa.Column("record", sa.Integer, sa.ForeignKey("records.id"), primary_key=True),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("strokes", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop what was added."""
    op.drop_table("marks")
    op.drop_index("feedback_by_proposed", "feedback")
    op.drop_column("feedback", "proposed")
    op.drop_column("records", "answered_by")
