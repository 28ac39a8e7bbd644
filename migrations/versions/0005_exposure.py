"""What the trainings of a worker are not kept from."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "gh_workers",
        sa.Column(
            "exposed", sa.JSON(none_as_null=True), server_default="[]", nullable=False
        ),
    )


def downgrade() -> None:
    with op.batch_alter_table("gh_workers") as table:
        table.drop_column("exposed")
