"""Two queues with fair turns, units of work, and what workers say of themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TURNS = ["queue", "status", "turn"]


def upgrade() -> None:
    # Every new column has a default: workers of the version before go on writing.
    queue = sa.Column("queue", sa.Text(), server_default="cpu", nullable=False)
    turn = sa.Column("turn", sa.Integer(), server_default="0", nullable=False)
    op.add_column("gh_analyses", queue)
    op.add_column("gh_analyses", turn)
    op.create_index("ix_gh_analyses_queue_status_turn", "gh_analyses", _TURNS)
    op.create_index(
        "ix_gh_analyses_project_queue_status_turn", "gh_analyses", ["project", *_TURNS]
    )
    op.create_table(
        "gh_units",
        sa.Column("analysis_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("worker_id", sa.Text()),
        sa.Column("reply", sa.Text()),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["gh_analyses.id"],
            name="fk_gh_units_analysis_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("analysis_id", "key", name="pk_gh_units"),
    )
    op.create_index(
        "ix_gh_units_offered_device_worker_id",
        "gh_units",
        ["offered", "device", "worker_id"],
    )
    json = sa.JSON(none_as_null=True)
    for column in (
        sa.Column("started_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("queues", json, server_default="[]", nullable=False),
        sa.Column("state", sa.Text(), server_default="ready", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("gh_workers", column)


def downgrade() -> None:
    with op.batch_alter_table("gh_workers") as table:
        for name in ("reason", "state", "queues", "version", "started_at"):
            table.drop_column(name)
    op.drop_table("gh_units")
    with op.batch_alter_table("gh_analyses") as table:
        table.drop_index("ix_gh_analyses_project_queue_status_turn")
        table.drop_index("ix_gh_analyses_queue_status_turn")
        table.drop_column("turn")
        table.drop_column("queue")
