"""What a running analysis has found so far."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gh_events",
        sa.Column("analysis_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("finding", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("trial", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["gh_analyses.id"],
            name=op.f("fk_gh_events_analysis_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("analysis_id", "number", name=op.f("pk_gh_events")),
    )


def downgrade() -> None:
    op.drop_table("gh_events")
