"""API keys: who may do what in which project."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gradhealth.exceptions import GradHealthError

from ..analyses.records import now
from ..database.session import Sessions
from ..tables import KeyRow, Scope
from .credentials import ApiKey

# Every use would otherwise be a write.
USE_RESOLUTION = timedelta(minutes=1)


class UnknownKeyError(GradHealthError):
    """There is no key with this id."""

    code = "unknown_key"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"there is no key {key_id!r}; `gradhealth key list` shows those there are"
        )


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret.

    Attributes:
        name: What people call it.
        project: The one project it opens.
        scopes: What it may do there; `admin` includes the others.
        expires_at: From then on it opens nothing.
        revoked_at: Since then it opens nothing.
        last_used_at: To the minute.
    """

    id: str
    name: str
    project: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def is_valid(self) -> bool:
        """Whether it opens its project now."""
        expired = self.expires_at is not None and self.expires_at <= now()
        return not expired and self.revoked_at is None


class KeyStore:
    """Keeps the keys; their secrets it never sees again."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def create(
        self,
        *,
        project: str,
        name: str,
        scopes: Collection[Scope],
        expires_at: datetime | None = None,
    ) -> ApiKey:
        """Make a key; this is the only time its secret is seen.

        Args:
            project: The one project it opens.
            name: What people call it.
            scopes: What it may do there.
            expires_at: When it stops; None for never.
        """
        key = ApiKey.new()
        async with self._sessions.writing() as session:
            session.add(_row(key, project, name, scopes=scopes, expires_at=expires_at))
        return key

    async def rotate(self, key_id: str, *, overlap: timedelta) -> ApiKey:
        """Make a successor that may do the same; the old key ends after `overlap`.

        Raises:
            UnknownKeyError: There is none, or it opens nothing any more.
        """
        successor = ApiKey.new()
        async with self._sessions.writing() as session:
            old = await _valid(session, key_id)
            new = _row(successor, old.project, old.name, scopes=old.scopes)
            new.expires_at = old.expires_at
            end = now() + overlap
            old.expires_at = min(end, old.expires_at or end)
            session.add(new)
        return successor

    async def revoke(self, key_id: str) -> None:
        """Let a key open nothing from now on.

        Raises:
            UnknownKeyError: There is none, or it opens nothing any more.
        """
        async with self._sessions.writing() as session:
            (await _valid(session, key_id)).revoked_at = now()

    async def all(self) -> list[Key]:
        """All keys there ever were, the newest first."""
        query = select(KeyRow).order_by(KeyRow.created_at.desc(), KeyRow.id)
        async with self._sessions.reading() as session:
            return [key_of(row) for row in (await session.execute(query)).scalars()]

    async def open(self, key: ApiKey) -> Key | None:
        """The stored key, if the secret is right and it is valid; notes the use."""
        async with self._sessions.reading() as session:
            row = await session.get(KeyRow, key.id)
        # A key that does not exist costs the same comparison.
        if not key.opens(row.digest if row else "") or row is None:
            return None
        found = key_of(row)
        if not found.is_valid:
            return None
        if row.last_used_at is None or now() - row.last_used_at > USE_RESOLUTION:
            await self._note_use(key.id)
        return found

    async def any_were_made(self) -> bool:
        """Whether there ever was a key: then nobody is served without one."""
        async with self._sessions.reading() as session:
            return bool((await session.execute(select(exists(KeyRow.id)))).scalar())

    async def any_is_valid(self) -> bool:
        """Whether there is a key that opens something now."""
        lasting = or_(KeyRow.expires_at.is_(None), KeyRow.expires_at > now())
        query = select(KeyRow.id).where(KeyRow.revoked_at.is_(None), lasting).limit(1)
        async with self._sessions.reading() as session:
            return (await session.execute(query)).first() is not None

    async def _note_use(self, key_id: str) -> None:
        async with self._sessions.writing() as session:
            await session.execute(
                update(KeyRow).where(KeyRow.id == key_id).values(last_used_at=now())
            )


async def _valid(session: AsyncSession, key_id: str) -> KeyRow:
    row = await session.get(KeyRow, key_id, with_for_update=True)
    if row is None or not key_of(row).is_valid:
        raise UnknownKeyError(key_id)
    return row


def _row(
    key: ApiKey,
    project: str,
    name: str,
    *,
    scopes: Collection[Scope],
    expires_at: datetime | None = None,
) -> KeyRow:
    return KeyRow(
        id=key.id,
        digest=key.digest,
        name=name,
        project=project,
        scopes=sorted(scopes),
        created_at=now(),
        expires_at=expires_at,
    )


def key_of(row: KeyRow) -> Key:
    """The key a row stands for."""
    return Key(
        id=row.id,
        name=row.name,
        project=row.project,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
