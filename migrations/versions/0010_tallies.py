"""What happens to analyses is counted, for whoever watches the service."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gh_tallies",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("up_to_seconds", sa.Double(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "what", "status", "up_to_seconds", name=op.f("pk_gh_tallies")
        ),
    )


def downgrade() -> None:
    op.drop_table("gh_tallies")
