"""Browsers that showed a key, and now have a secret of their own instead."""

from datetime import timedelta

from sqlalchemy import delete

from ..analyses.records import now
from ..database.session import Sessions
from ..tables import KeyRow, SignInRow
from .credentials import digest_of, new_token
from .keys import Key, key_of

LIFETIME = timedelta(hours=12)


class SignInStore:
    """Keeps who is signed in; with its key, a sign-in ends too."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def begin(self, key_id: str) -> str:
        """Sign in with a key; what is returned opens what the key opens."""
        token = new_token()
        async with self._sessions.writing() as session:
            session.add(
                SignInRow(
                    digest=digest_of(token),
                    key_id=key_id,
                    expires_at=now() + LIFETIME,
                )
            )
        return token

    async def open(self, token: str) -> Key | None:
        """The key that was shown, if it is valid and the sign-in has not ended."""
        async with self._sessions.reading() as session:
            sign_in = await session.get(SignInRow, digest_of(token))
            if sign_in is None or sign_in.expires_at <= now():
                return None
            row = await session.get(KeyRow, sign_in.key_id)
            key = key_of(row) if row else None
        return key if key and key.is_valid else None

    async def end(self, token: str) -> None:
        """Sign out."""
        query = delete(SignInRow).where(SignInRow.digest == digest_of(token))
        async with self._sessions.writing() as session:
            await session.execute(query)
