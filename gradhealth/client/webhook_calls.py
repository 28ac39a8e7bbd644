"""What a client asks about webhooks: which there are, and what they were told."""

from ..schemas.webhook import Delivery, DeliveryPage, WebhookPage
from .answers import reader
from .calls import Call


def webhooks() -> Call[WebhookPage]:
    """All webhooks of the project, without their secrets, newest first."""
    return Call("GET", "/v1/webhooks", reader(WebhookPage))


def deliveries(webhook_id: str) -> Call[DeliveryPage]:
    """What a webhook was told lately, or is still to be, newest first."""
    path = f"/v1/webhooks/{webhook_id}/deliveries"
    return Call("GET", path, reader(DeliveryPage))


def replay(webhook_id: str, delivery_id: str) -> Call[Delivery]:
    """Tells a webhook something once more, at once; one that was stopped goes on."""
    path = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"
    return Call("POST", path, reader(Delivery))
