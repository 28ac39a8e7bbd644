"""Findings tell the step at which they begin."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gh_findings", sa.Column("step", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("gh_findings") as table:
        table.drop_column("step")
