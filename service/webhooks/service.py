"""What the service does with webhooks: make, list, forget, tell again."""

from urllib.parse import urlsplit

from gradhealth.exceptions import InvalidDocumentError, Problem
from gradhealth.schemas.webhook import (
    Delivery,
    DeliveryPage,
    NewWebhook,
    WebhookPage,
    WebhookRequest,
)
from storage.webhooks.store import WebhookStore

from ..access.callers import Caller
from ..config import ServiceSettings
from ..exceptions import (
    TooManyWebhooksError,
    UnknownDeliveryError,
    UnknownWebhookError,
)
from .public_network import PrivateTargetError, is_private_literal


class WebhookService:
    """Keeps the webhooks of a caller's project.

    Args:
        store: Where they are kept.
        caller: Who asks.
        settings: What they may be.
    """

    def __init__(
        self, store: WebhookStore, caller: Caller, settings: ServiceSettings
    ) -> None:
        self._store = store
        self._caller = caller
        self._settings = settings

    async def create(self, request: WebhookRequest) -> NewWebhook:
        """Makes one.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            InvalidDocumentError: The address is not a public one. What a name means
                is looked at with each delivery.
            TooManyWebhooksError: The project has as many as it may.
        """
        project = self._caller.own(request.project)
        host = urlsplit(request.url).hostname or ""
        if is_private_literal(host) and not self._settings.webhook_private_targets:
            raise InvalidDocumentError([Problem("/url", str(PrivateTargetError(host)))])
        most = self._settings.project_webhooks
        made = await self._store.create(
            project=project, url=request.url, events=request.events, most=most
        )
        if made is None:
            raise TooManyWebhooksError(most)
        return made

    async def all(self) -> WebhookPage:
        """All of them, without secrets."""
        return await self._store.all()

    async def delete(self, webhook_id: str) -> None:
        """Forgets one.

        Raises:
            UnknownWebhookError: There is none with this id.
        """
        if not await self._store.delete(webhook_id):
            raise UnknownWebhookError(webhook_id)

    async def deliveries(self, webhook_id: str) -> DeliveryPage:
        """What it was told lately.

        Raises:
            UnknownWebhookError: There is none with this id.
        """
        page = await self._store.deliveries(webhook_id)
        if page is None:
            raise UnknownWebhookError(webhook_id)
        return page

    async def replay(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Tells it once more.

        Raises:
            UnknownDeliveryError: There is no such delivery, or it was forgotten.
        """
        delivery = await self._store.replay(webhook_id, delivery_id)
        if delivery is None:
            raise UnknownDeliveryError(delivery_id)
        return delivery
