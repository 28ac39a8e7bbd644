"""Whose turn it is: first come, first served, and then a rest."""

import asyncio
import contextlib
import time


class Turns:
    """Gives turns to names that ask for one; asking again changes nothing."""

    def __init__(self) -> None:
        self._asking: dict[str, None] = {}
        self._resting_until: dict[str, float] = {}
        self._asked = asyncio.Event()

    def ask(self, name: str) -> None:
        """A turn is wanted, now or when its rest is over."""
        self._asking.setdefault(name)
        self._asked.set()

    def rest(self, name: str, seconds: float) -> None:
        """No turn for so long."""
        now = time.monotonic()
        self._resting_until = {
            other: until for other, until in self._resting_until.items() if until > now
        }
        self._resting_until[name] = now + seconds

    async def next(self) -> str:
        """Waits until somebody's turn has come; whoever has it must ask anew."""
        while True:
            now = time.monotonic()
            waits = {n: self._resting_until.get(n, now) - now for n in self._asking}
            # Of those who wait as long, who asked first.
            name = min(waits, key=waits.__getitem__, default=None)
            if name is not None and waits[name] <= 0:
                del self._asking[name]
                return name
            self._asked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(waits[name] if name else None):
                    await self._asked.wait()
