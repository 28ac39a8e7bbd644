"""What projects use: bytes of each analysis, seconds of work a day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gh_usage",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("work_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("project", "day", name=op.f("pk_gh_usage")),
    )
    op.add_column(
        "gh_analyses",
        sa.Column("stored_bytes", sa.BigInteger(), server_default="0", nullable=False),
    )
    # What was stored before counts by its spec alone.
    op.execute("UPDATE gh_analyses SET stored_bytes = length(CAST(spec AS TEXT))")
    op.drop_index(op.f("ix_gh_analyses_status"), "gh_analyses")
    op.create_index(
        op.f("ix_gh_analyses_status_project"), "gh_analyses", ["status", "project"]
    )
    op.create_index(
        op.f("ix_gh_analyses_project_stored_bytes"),
        "gh_analyses",
        ["project", "stored_bytes"],
    )


def downgrade() -> None:
    with op.batch_alter_table("gh_analyses") as table:
        table.drop_index(op.f("ix_gh_analyses_project_stored_bytes"))
        table.drop_index(op.f("ix_gh_analyses_status_project"))
        table.create_index(op.f("ix_gh_analyses_status"), ["status"])
        table.drop_column("stored_bytes")
    op.drop_table("gh_usage")
