"""`/v1/webhooks`: who is told what happens, and what they were told."""

from fastapi import APIRouter, Response, status

from gradhealth.schemas.webhook import Delivery, DeliveryPage, NewWebhook, WebhookPage

from ..dependencies import DeliveryId, WebhookBody, WebhookId, Webhooks
from ..openapi import problems, webhook_request_body

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post(
    "",
    summary="Tell an address what happens in a project",
    description="By the Standard Webhooks specification: signed with the secret, which "
    "is shown this once. What fails is repeated with growing pauses, and dead in the "
    "end; 410 stops everything.",
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 403, 409, 413, 415, 422, 503),
    openapi_extra=webhook_request_body(),
)
async def make_webhook(
    body: WebhookBody, webhooks: Webhooks, response: Response
) -> NewWebhook:
    webhook = await webhooks.create(body.content)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}/deliveries"
    return webhook


@router.get(
    "", summary="List webhooks, without secrets", responses=problems(403, 422, 503)
)
async def list_webhooks(webhooks: Webhooks) -> WebhookPage:
    return await webhooks.all()


@router.delete(
    "/{webhook_id}",
    summary="Tell an address nothing more",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(403, 404, 422, 503),
)
async def delete_webhook(webhook_id: WebhookId, webhooks: Webhooks) -> None:
    await webhooks.delete(webhook_id)


@router.get(
    "/{webhook_id}/deliveries",
    summary="List what a webhook was told lately, newest first",
    responses=problems(403, 404, 422, 503),
)
async def list_deliveries(webhook_id: WebhookId, webhooks: Webhooks) -> DeliveryPage:
    return await webhooks.deliveries(webhook_id)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    summary="Deliver something once more",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(403, 404, 422, 503),
)
async def replay_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, webhooks: Webhooks
) -> Delivery:
    return await webhooks.replay(webhook_id, delivery_id)
