"""A worker as `GET /v1/workers` shows it."""

from datetime import datetime
from typing import Literal

from ..documents.base import Record
from .analysis import Device

# `faulty`: its GPU does not answer, so it takes no work; `reason` says more.
WorkerState = Literal["starting", "ready", "draining", "faulty"]


class Worker(Record):
    """A worker and what it does now.

    Attributes:
        device: What it trains on: `cuda`, or `cpu`.
        queues: The queues it takes analyses from.
        state: `starting`, `ready`, `draining` (told to stop) or `faulty`.
        reason: Why it is not ready; empty when it is.
        silence_seconds: Time since its last sign of life.
        alive: Whether that is recent enough to count.
        analyses: Ids of the analyses it works on.
        helps: Ids of the analyses of other workers it does units of.
    """

    id: str
    device: str
    version: str
    queues: list[Device]
    state: WorkerState
    reason: str = ""
    started_at: datetime
    silence_seconds: float
    alive: bool
    analyses: list[str] = []
    helps: list[str] = []


class Workers(Record):
    """All workers that did not retire, by id."""

    items: list[Worker]
