"""Logs are kept as they were sent, so that they can be read again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gh_uploads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("mapping", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gh_uploads")),
    )
    op.create_index(
        op.f("ix_gh_uploads_project_stored_bytes"),
        "gh_uploads",
        ["project", "stored_bytes"],
    )
    op.create_table(
        "gh_upload_chunks",
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["gh_uploads.id"],
            name=op.f("fk_gh_upload_chunks_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "upload_id", "position", name=op.f("pk_gh_upload_chunks")
        ),
    )
    op.create_table(
        "gh_upload_runs",
        sa.Column("analysis_id", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["analysis_id"],
            ["gh_analyses.id"],
            name=op.f("fk_gh_upload_runs_analysis_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["gh_uploads.id"], name=op.f("fk_gh_upload_runs_upload_id")
        ),
        sa.PrimaryKeyConstraint("analysis_id", name=op.f("pk_gh_upload_runs")),
    )
    op.create_index(
        op.f("ix_gh_upload_runs_upload_id"), "gh_upload_runs", ["upload_id"]
    )


def downgrade() -> None:
    op.drop_table("gh_upload_runs")
    op.drop_table("gh_upload_chunks")
    op.drop_table("gh_uploads")
