"""The name of what was analysed, for lists: specs may be megabytes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gh_analyses", sa.Column("name", sa.Text()))
    op.create_index(
        op.f("ix_gh_analyses_project_name"),
        "gh_analyses",
        ["project", "name", "created_at"],
    )
    analyses = sa.table(
        "gh_analyses",
        sa.column("name", sa.Text),
        sa.column("spec", sa.JSON),
        sa.column("options", sa.JSON),
    )
    path = analyses.c.options["source", "path"].as_string()
    name = analyses.c.spec["name"].as_string()
    known = sa.func.coalesce(sa.func.nullif(path, ""), sa.func.nullif(name, ""))
    op.execute(analyses.update().values(name=sa.func.substr(known, 1, 200)))


def downgrade() -> None:
    op.drop_index(op.f("ix_gh_analyses_project_name"), "gh_analyses")
    with op.batch_alter_table("gh_analyses") as table:
        table.drop_column("name")
