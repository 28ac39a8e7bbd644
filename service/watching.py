"""Looks at what somebody follows: once for all analyses, or runs, and all followers.

A follower keeps nothing but how far it has read. What they told is kept once each, and
forgotten with the last follower.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gradhealth.schemas.event import Done
from storage.sights import Looker, Sight

P = TypeVar("P")
E = TypeVar("E")

LOOK_SECONDS = 0.25
# Ids in one query.
MOST_AT_ONCE = 500

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Watched(Generic[P, E]):
    """An analysis, or a run, as it was seen last; the same object grows.

    Attributes:
        progress: null until it was seen at all.
        done: How it ended; null while it is open.
        events: What it told, from the first on.
        is_gone: Whether it was deleted.
    """

    progress: P | None = None
    done: Done | None = None
    events: list[E] = field(default_factory=list)
    is_gone: bool = False
    num_followers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.is_gone or self.done is not None

    def take(self, sight: Sight[P, E] | None) -> None:
        """Take over what was seen, and wake the followers if it is new."""
        if sight is None:
            self.is_gone = True
        elif sight.events or (sight.progress, sight.done) != (self.progress, self.done):
            self.progress, self.done = sight.progress, sight.done
            self.events += sight.events
        else:
            return
        # Whoever waits for the next change must not be woken by this one.
        self.changed.set()
        self.changed = asyncio.Event()


class Watch(Generic[P, E]):
    """One task that looks for everybody, while there is anybody.

    Args:
        store: Where to look.
        pause_seconds: Between two looks.
    """

    def __init__(
        self, store: Looker[P, E], *, pause_seconds: float = LOOK_SECONDS
    ) -> None:
        self._store = store
        self._pause_seconds = pause_seconds
        self._watched: dict[str, Watched[P, E]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    async def follow(self, name: str) -> AsyncGenerator[Watched[P, E]]:
        """What has this id as it is, and once more after each change, until it ends.

        A follower that is slow sees several changes as one.
        """
        watched = self._watched.setdefault(name, Watched())
        watched.num_followers += 1
        self._look_soon()
        try:
            while not watched.has_ended:
                changed = watched.changed
                if watched.progress is not None:
                    yield watched
                if changed is watched.changed and not watched.has_ended:
                    await changed.wait()
            yield watched
        finally:
            watched.num_followers -= 1
            if not watched.num_followers:
                self._watched.pop(name, None)

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    def _look_soon(self) -> None:
        self._woken.set()
        if self._looking is None or self._looking.done():
            # It looks for everybody, not for the request that happens to start it.
            self._looking = asyncio.create_task(
                self._look_while_needed(), context=Context()
            )

    async def _look_while_needed(self) -> None:
        while self._watched:
            self._woken.clear()
            try:
                await self._look()
            except Exception:
                # Followers wait for a database that is away, and for our mistakes.
                logger.exception("cannot look at what is followed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_seconds):
                    await self._woken.wait()

    async def _look(self) -> None:
        ids = list(self._watched)
        for start in range(0, len(ids), MOST_AT_ONCE):
            asked = {
                id_: self._watched[id_]
                for id_ in ids[start : start + MOST_AT_ONCE]
                if id_ in self._watched
            }
            known = {id_: len(watched.events) for id_, watched in asked.items()}
            sights = await self._store.look(known)
            for id_, watched in asked.items():
                watched.take(sights.get(id_))
