"""What pictures need, the signs of a run, and which finding follows from which."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True)
    op.add_column(
        "gh_results",
        sa.Column("layer_curves", json, server_default="{}", nullable=False),
    )
    op.add_column(
        "gh_results",
        sa.Column("signs", json, server_default="[]", nullable=False),
    )
    op.add_column("gh_findings", sa.Column("consequence_of", sa.Text()))
    op.add_column("gh_fixes", sa.Column("before_loss", json))
    op.add_column("gh_fixes", sa.Column("after_loss", json))


def downgrade() -> None:
    with op.batch_alter_table("gh_fixes") as table:
        table.drop_column("after_loss")
        table.drop_column("before_loss")
    with op.batch_alter_table("gh_findings") as table:
        table.drop_column("consequence_of")
    with op.batch_alter_table("gh_results") as table:
        table.drop_column("signs")
        table.drop_column("layer_curves")
