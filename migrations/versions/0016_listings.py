"""Listings are read from an index each: what they filter by is in one table with time.

Analyses get their result's verdict, labels what their analysis is and came to. Triggers
make the copies, since the version before goes on writing without them.

SQLite makes a table anew to change a column. A later migration that does so with one of
these tables has to drop the triggers before and to create them again after.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_EARLIER_INDEXES = (
    ("gh_analyses", ["project", "name", "created_at"], "ix_gh_analyses_project_name"),
    ("gh_analyses", ["status", "project"], "ix_gh_analyses_status_project"),
    ("gh_labels", ["key", "value"], "ix_gh_labels_key_value"),
    ("gh_results", ["verdict"], "ix_gh_results_verdict"),
)
# What a listing is filtered by; its order follows. Of two that are as good SQLite takes
# the later: many have succeeded, fewer have a name in common.
_INDEXES = (
    ("gh_analyses", ["status"], None),
    ("gh_analyses", ["project", "status"], None),
    ("gh_analyses", ["project", "name"], None),
    ("gh_analyses", ["verdict"], "verdict"),
    ("gh_analyses", ["project", "verdict"], "verdict"),
    ("gh_labels", ["key", "value"], None),
    ("gh_labels", ["project", "key", "value"], None),
    ("gh_labels", ["key", "value", "outcome"], "outcome"),
    ("gh_labels", ["project", "key", "value", "outcome"], "outcome"),
)
_COPY_VERDICTS = """
UPDATE gh_analyses SET verdict = result.verdict
FROM gh_results AS result WHERE result.analysis_id = gh_analyses.id
"""
_COPY_TO_LABELS = """
UPDATE gh_labels SET
    project = analysis.project,
    created_at = analysis.created_at,
    outcome = coalesce(
        analysis.verdict,
        CASE WHEN analysis.status IN ('failed', 'cancelled') THEN analysis.status END
    )
FROM gh_analyses AS analysis WHERE analysis.id = gh_labels.analysis_id
"""
# By name: after what, and what is done then.
_TRIGGERS = {
    "gh_labels_of_analysis": (
        "INSERT ON gh_labels FOR EACH ROW WHEN (NEW.created_at IS NULL)",
        """
        UPDATE gh_labels SET (project, created_at) =
            (SELECT project, created_at FROM gh_analyses WHERE id = NEW.analysis_id)
        WHERE analysis_id = NEW.analysis_id AND key = NEW.key;
        """,
    ),
    "gh_results_verdict": (
        "INSERT ON gh_results FOR EACH ROW",
        """
        UPDATE gh_analyses SET verdict = NEW.verdict
        WHERE id = NEW.analysis_id AND verdict IS NULL;
        UPDATE gh_labels SET outcome = NEW.verdict
        WHERE analysis_id = NEW.analysis_id AND outcome IS NULL;
        """,
    ),
    "gh_analyses_outcome": (
        """
        UPDATE OF status ON gh_analyses FOR EACH ROW
        WHEN (NEW.status IN ('failed', 'cancelled'))
        """,
        "UPDATE gh_labels SET outcome = NEW.status WHERE analysis_id = NEW.id;",
    ),
}
_PLPGSQL = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN {action} RETURN NULL; END $$
"""


def upgrade() -> None:
    op.add_column("gh_analyses", sa.Column("verdict", sa.Text()))
    op.add_column("gh_labels", sa.Column("project", sa.Text()))
    op.add_column("gh_labels", sa.Column("created_at", sa.DateTime(timezone=True)))
    op.add_column("gh_labels", sa.Column("outcome", sa.Text()))
    # Without the indexes, rows are written faster.
    for table, _, name in _EARLIER_INDEXES:
        op.drop_index(name, table)
    op.execute(_COPY_VERDICTS)
    op.execute(_COPY_TO_LABELS)
    for table, columns, known in _INDEXES:
        where = sa.text(f"{known} IS NOT NULL") if known else None
        op.create_index(
            _name(table, columns),
            table,
            _ordered(table, columns),
            sqlite_where=where,
            postgresql_where=where,
        )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, (event, action) in _TRIGGERS.items():
        if on_sqlite:
            op.execute(f"CREATE TRIGGER {name} AFTER {event} BEGIN {action} END")
        else:
            op.execute(_PLPGSQL.format(name=name, action=action))
            op.execute(f"CREATE TRIGGER {name} AFTER {event} EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for name in _TRIGGERS:
        drop = f"TRIGGER {name}" if on_sqlite else f"FUNCTION {name} CASCADE"
        op.execute(f"DROP {drop}")
    for table, columns, _ in _INDEXES:
        op.drop_index(_name(table, columns), table)
    op.drop_column("gh_analyses", "verdict")
    for column in ("project", "created_at", "outcome"):
        op.drop_column("gh_labels", column)
    for table, columns, name in _EARLIER_INDEXES:
        op.create_index(name, table, columns)


def _ordered(table: str, columns: list[str]) -> list[str]:
    key = "id" if table == "gh_analyses" else "analysis_id"
    return [*columns, "created_at", key]


def _name(table: str, columns: list[str]) -> str:
    return f"ix_{'_'.join([table, *_ordered(table, columns)])}"
