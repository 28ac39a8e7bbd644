"""Which callers the keys and sign-ins stand for, remembered for a moment."""

import time
from collections.abc import Awaitable, Callable

from storage.access.credentials import ApiKey, digest_of
from storage.access.keys import Key, KeyStore
from storage.access.sign_ins import SignInStore

from .callers import Caller

# A revoked key opens nothing after so many seconds; until then it costs no query.
REMEMBERED_SECONDS = 1.0
MOST_REMEMBERED = 1000


class KeyRing:
    """Finds the caller behind a secret.

    Args:
        keys: The keys there are.
        sign_ins: The browsers that showed one.
        keyless: Whether everybody is served while no key was ever made.
    """

    def __init__(self, keys: KeyStore, sign_ins: SignInStore, *, keyless: bool) -> None:
        self._keys = keys
        self._sign_ins = sign_ins
        self._asks = not keyless
        self._look_again_at = 0.0
        self._known: dict[str, tuple[Caller, float]] = {}

    async def asks(self) -> bool:
        """Whether a key is asked for: for ever, once there was one."""
        if not self._asks and time.monotonic() >= self._look_again_at:
            self._asks = await self._keys.any_were_made()
            self._look_again_at = time.monotonic() + REMEMBERED_SECONDS
        return self._asks

    async def with_key(self, text: str) -> Caller | None:
        """The caller with this key; None when it opens nothing."""
        key = ApiKey.parse(text)
        if key is None:
            return None
        return await self._remembered(text, lambda: self._keys.open(key))

    async def signed_in(self, token: str) -> Caller | None:
        """The caller whose browser has this secret; None when it opens nothing."""
        return await self._remembered(token, lambda: self._sign_ins.open(token))

    def forget(self, secret: str) -> None:
        """Look it up when it comes again."""
        self._known.pop(digest_of(secret), None)

    async def _remembered(
        self, secret: str, look: Callable[[], Awaitable[Key | None]]
    ) -> Caller | None:
        digest, now = digest_of(secret), time.monotonic()
        caller, until = self._known.get(digest, (None, now))
        if until > now:
            return caller
        key = await look()
        self._known.pop(digest, None)
        if key is None:
            return None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        caller = Caller(key.id, key.project, key.scopes)
        self._known[digest] = caller, now + REMEMBERED_SECONDS
        return caller
