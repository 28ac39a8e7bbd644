"""`gradhealth webhook`: which addresses are told, what they were, and that again."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from gradhealth.reports.paragraphs import printable
from gradhealth.schemas.webhook import Delivery, Webhook

from .options import client_of
from .output import say

# Where `gradhealth up` listens.
ON_THIS_MACHINE = "http://127.0.0.1:8000"

Service: TypeAlias = Annotated[
    str,
    typer.Option(
        "--server",
        envvar="GRADHEALTH_SERVER",
        help="Address of the service; GRADHEALTH_API_KEY is the key to it.",
    ),
]
WebhookId: TypeAlias = Annotated[
    str, typer.Argument(metavar="WEBHOOK", help="Its id, as listed.")
]

webhook_app = typer.Typer(
    help="The webhooks of a project, and what they were told.",
    no_args_is_help=True,
    add_completion=False,
)


@webhook_app.command("list")
def list_webhooks(server: Service = ON_THIS_MACHINE) -> None:
    """List the webhooks, newest first."""
    with client_of(server) as client:
        rows = [_webhook(each) for each in client.webhooks().items]
    _show(("id", "state", "address", "events"), rows)


@webhook_app.command("deliveries")
def list_deliveries(webhook: WebhookId, server: Service = ON_THIS_MACHINE) -> None:
    """List what a webhook was told in the last week, newest first."""
    with client_of(server) as client:
        rows = [_delivery(each) for each in client.deliveries(webhook).items]
    _show(("id", "state", "attempts", "created", "event", "last answer"), rows)


@webhook_app.command("replay")
def replay_deliveries(
    webhook: WebhookId,
    deliveries: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DELIVERY]...", help="Their ids, as listed."),
    ] = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="All that were given up.")
    ] = False,
    server: Service = ON_THIS_MACHINE,
) -> None:
    """Tell a webhook something once more; one that was stopped goes on."""
    if bool(deliveries) == dead:
        raise typer.BadParameter("name deliveries, or say --dead")
    with client_of(server) as client:
        if dead:
            told = client.deliveries(webhook).items
            deliveries = [each.id for each in told if each.state == "dead"]
        replayed = [client.replay(webhook, each) for each in deliveries or ()]
    say("\n".join(f"{each.id} is told again" for each in replayed) or "none is dead")


def _webhook(webhook: Webhook) -> Sequence[str]:
    state = "stopped" if webhook.disabled_at else "told"
    return webhook.id, state, webhook.url, ",".join(webhook.events)


def _delivery(delivery: Delivery) -> Sequence[str]:
    answer = delivery.last_error or str(delivery.last_status or "none yet")
    created = f"{delivery.created_at:%Y-%m-%d %H:%M:%S}"
    attempts = str(delivery.attempts)
    return delivery.id, delivery.state, attempts, created, delivery.type, answer


def _show(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Lines that a script can cut, as wide as they need to be."""
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)]
        say(printable("  ".join(cells).rstrip()))
