"""Delivers to webhooks what the outbox holds, apart from all requests and analyses.

Each process of the service delivers; what one has taken the others leave alone. A
receiver that is slow or broken delays nobody but itself.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass

from gradhealth import __version__
from storage.database.session import Sessions
from storage.webhooks.deliveries import DeliveryStore, DueDelivery
from storage.webhooks.secrets import MissingSecretKeyError, Secrets

from ..config import ServiceSettings
from .posting import NoAnswerError, Poster
from .public_network import PublicNetwork
from .signatures import signed_headers

# At the same time: by a process, and of those to one webhook.
MOST_AT_ONCE, MOST_PER_WEBHOOK = 16, 4
LOOK_SECONDS = 1.0
LEASE_MARGIN_SECONDS = 5.0
# What may still be delivered when the service stops.
CLOSE_SECONDS = 2.0
GROWTH, LONGEST_PAUSE_SECONDS = 4.0, 86_400.0
# Receivers that were away together are not asked again together.
JITTER = 0.2
GONE = 410

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a delivery is tried.

    Attributes:
        attempts: After so many it is dead.
        first_pause_seconds: After the first; each further pause is 4 times as long,
            up to a day.
    """

    attempts: int
    first_pause_seconds: float

    def pause_seconds(self, attempts: int) -> float:
        """Time from an attempt, the how-manieth, to the next one."""
        pause = self.first_pause_seconds * GROWTH ** (attempts - 1)
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        return min(pause, LONGEST_PAUSE_SECONDS) * spread


def create_deliverer(sessions: Sessions, settings: ServiceSettings) -> "Deliverer":
    """A deliverer as the settings say."""
    limit_seconds = settings.webhook_seconds
    return Deliverer(
        # Twice the time: an attempt that took too long is settled by then.
        DeliveryStore(sessions, lease_seconds=2 * limit_seconds + LEASE_MARGIN_SECONDS),
        Poster(
            PublicNetwork(allows_private=settings.webhook_private_targets),
            limit_seconds=limit_seconds,
        ),
        Patience(settings.webhook_attempts, settings.webhook_first_pause_seconds),
        settings.webhook_secrets,
    )


class Deliverer:
    """Delivers while the service lives.

    Args:
        store: What is to be delivered.
        poster: Posts it.
        patience: How long it is tried.
        secrets: Knows what it is signed with.
    """

    def __init__(
        self,
        store: DeliveryStore,
        poster: Poster,
        patience: Patience,
        secrets: Secrets,
    ) -> None:
        self._store = store
        self._poster = poster
        self._patience = patience
        self._secrets = secrets
        self._under_way: dict[asyncio.Task[None], str] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; what an earlier process left is due again after its lease."""
        self._loop = asyncio.create_task(self._deliver_for_ever())

    async def close(self) -> None:
        """Stop; what is not delivered is due again later."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _deliver_for_ever(self) -> None:
        while True:
            try:
                took = await self._take()
            except Exception:
                # The database is away, or a mistake of ours: later, then.
                logger.exception("cannot look for what webhooks are to be told")
                took = False
            if not took:
                await self._rest()

    async def _take(self) -> bool:
        """Begin with what is due; False when there was nothing, or no room."""
        room = MOST_AT_ONCE - len(self._under_way)
        if room <= 0:
            return False
        by_webhook = Counter(self._under_way.values())
        busy = {id_ for id_, n in by_webhook.items() if n >= MOST_PER_WEBHOOK}
        # So few that one webhook cannot get more than its share.
        due = await self._store.take(min(room, MOST_PER_WEBHOOK), busy=busy)
        for delivery in due:
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way[task] = delivery.webhook_id
            task.add_done_callback(self._under_way.pop)
        return bool(due)

    async def _rest(self) -> None:
        """Wait a moment, or until there is room again."""
        tasks = [*self._under_way]
        if len(tasks) < MOST_AT_ONCE:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _deliver(self, delivery: DueDelivery) -> None:
        try:
            await self._attempt(delivery)
        except Exception:
            # It is due again when its lease is over.
            logger.exception("cannot deliver %s", delivery.id)

    async def _attempt(self, delivery: DueDelivery) -> None:
        body = delivery.body.encode()
        try:
            secret = self._secrets.reveal(delivery.secret)
            headers = {
                "content-type": "application/json",
                "user-agent": f"gradhealth/{__version__}",
                **signed_headers(secret, delivery.id, int(time.time()), body),
            }
            answer = await self._poster.post(delivery.url, headers, body)
        except (MissingSecretKeyError, NoAnswerError) as error:
            await self._failed(delivery, status=None, error=str(error))
            return
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own
            await self._store.settle(
                delivery.id, "delivered", status=answer.status, error=""
            )
            return
        answered = f"answered {answer.status}"
        if answer.status == GONE:
            await self._store.disable(
                delivery.webhook_id,
                answering=delivery.id,
                status=answer.status,
                error=answered,
            )
            return
        await self._failed(
            delivery,
            status=answer.status,
            error=answered,
            at_least_seconds=answer.retry_after,
        )

    async def _failed(
        self,
        delivery: DueDelivery,
        *,
        status: int | None,
        error: str,
        at_least_seconds: float = 0.0,
    ) -> None:
        extra = {"webhook_id": delivery.webhook_id, "delivery_id": delivery.id}
        if delivery.attempts >= self._patience.attempts:
            logger.warning("gave a delivery up: %s", error, extra=extra)
            await self._store.settle(delivery.id, "dead", status=status, error=error)
            return
        logger.info("a delivery failed: %s", error, extra=extra)
        pause = self._patience.pause_seconds(delivery.attempts)
        await self._store.postpone(
            delivery.id, max(pause, at_least_seconds), status=status, error=error
        )
