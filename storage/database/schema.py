"""Which schema our tables have, beside the one that this version works with.

Without the library that changes it: the service and every worker look when they start.
"""

from pathlib import Path
from typing import Literal, TypeAlias

from sqlalchemy import Connection, Select, Text, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations

VERSION_TABLE = "gh_schema_version"
# Ahead: a newer version has migrated, and this one goes on until it is replaced.
SchemaState: TypeAlias = Literal["ok", "ahead", "pending"]

_VERSIONS = Path(migrations.__file__).parent / "versions"
_CURRENT: Select[str] = select(column("version_num", Text)).select_from(
    table(VERSION_TABLE)
)


async def is_current(engine: AsyncEngine) -> bool:
    """Whether our tables have the schema that this version works with."""
    return await schema_state(engine) != "pending"


async def schema_state(engine: AsyncEngine) -> SchemaState:
    """How the schema of our tables compares with this version's newest."""
    async with engine.connect() as connection:
        return await connection.run_sync(state_of)


def state_of(connection: Connection) -> SchemaState:
    """The same, on a connection that is open."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return "pending"
    current = set(connection.execute(_CURRENT).scalars())
    known = revisions()
    if current == {known[-1]}:
        return "ok"
    return "ahead" if current - set(known) else "pending"


def revisions() -> list[str]:
    """This version's, oldest first: their files are numbered."""
    files = _VERSIONS.glob("[0-9]*.py")
    return sorted(file.name.partition("_")[0] for file in files)
