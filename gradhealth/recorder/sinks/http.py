"""Sends a run to a service, which may be slow, away, or refuse."""

import logging
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from ...batches.batch import Batch
from ...batches.packing import without_layers
from ...client import Client, RefusedError, ServerUnreachableError
from ...exceptions import GradHealthError, InvalidDocumentError
from ...schemas.trace import TracedLayer
from .base import Header
from .spool import Spool, abandoned

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0
# Between attempts while the service is away: doubled from the first to the last.
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.5, 30.0
# At the end of a training: attempts, and what a slow service is waited for.
LAST_ATTEMPTS, CLOSE_SECONDS = 3, 10.0
# Refusals after which the same request may succeed; those from 500 on are, too.
PASSING = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)
SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
# What a spool keeps beside the batches.
ANNOUNCEMENT, ID = "run.json", "id"
# ... where the service does not take so many layers.
WITHOUT_LAYERS = "without_layers"
# The mistake is the list of layers itself, and not one of them.
ALL_LAYERS = "/layers"


class _BrokenSpoolError(GradHealthError):
    """What was kept of a run cannot be sent, as where the disk was full."""

    code = "broken_spool"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the run's name and layers cannot be read ({reason})")


class HttpSink:
    """Batches go to disk, and from there to the service on a thread of its own.

    One whose answer was lost is sent again: its sequence number makes that harmless.
    What could not be sent by the end stays on disk, and the next recorder that sends
    to the same service takes it along. A run of more layers than the service takes is
    sent without statistics of layers: its losses and the norm of all gradients.

    Args:
        server: Address of the service.
        api_key: Its key, where it asks for one.
        spool_root: Folder in which batches wait.
        max_spool_bytes: How many of them do.
    """

    def __init__(
        self,
        server: str,
        *,
        api_key: str | None,
        spool_root: Path,
        max_spool_bytes: int,
    ) -> None:
        self._server = server.rstrip("/")
        self._client = Client(
            self._server,
            api_key=api_key,
            answer_seconds=ANSWER_SECONDS,
            # Who waits here is `_run`, which has the end of the training in view.
            patience_seconds=0,
        )
        self._spool = Spool.create(spool_root, self._server, max_bytes=max_spool_bytes)
        self._left = abandoned(spool_root, self._server)
        self._thread = threading.Thread(
            target=self._run, name="gradhealth-sender", daemon=True
        )
        self._wake, self._closing = threading.Event(), threading.Event()
        self._trouble: str | None = None
        self._num_refused = 0
        self._left_out: str | None = None

    def begin(self, header: Header) -> None:
        document = header.to_document()
        announcement = {
            "name": header.run,
            "layers": document["layers"],
            "config": document["context"],
        }
        self._spool.keep(ANNOUNCEMENT, to_json(announcement))
        self._thread.start()

    def write(self, batch: Batch) -> None:
        self._spool.put(batch.sequence, batch.to_binary())
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_SECONDS)

    @property
    def notes(self) -> list[str]:
        """What did not arrive."""
        notes: list[str] = []
        spool = self._spool
        if spool.num_waiting:
            reason = f" ({self._trouble})" if self._trouble else ""
            notes.append(
                f"{spool.num_waiting} batches wait in {spool.folder}{reason}; the next "
                f"recorder that sends to {self._server} takes them along"
            )
        if spool.num_dropped:
            notes.append(f"{spool.num_dropped} batches were dropped: the spool is full")
        if self._left_out is not None:
            notes.append(self._left_out)
        if self._num_refused:
            notes.append(f"{self._num_refused} batches were refused: {self._trouble}")
        return notes

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        attempts_left = LAST_ATTEMPTS
        while attempts_left:
            self._wake.clear()
            is_closing = self._closing.is_set()
            attempts_left -= is_closing
            try:
                self._send_all(self._spool)
                self._take_along()
            except (GradHealthError, OSError) as error:
                self._complain(error)
                # The client has knocked several times already.
                if is_closing and isinstance(error, ServerUnreachableError):
                    break
                self._pause(pause)
                pause = min(2 * pause, LAST_PAUSE_SECONDS)
            else:
                if is_closing:
                    break
                pause = FIRST_PAUSE_SECONDS
                self._wake.wait()
        self._spool.close()
        self._client.close()

    def _pause(self, seconds: float) -> None:
        """Until the next attempt, or the end; between the last ones shortly."""
        if self._closing.is_set():
            time.sleep(FIRST_PAUSE_SECONDS)
        else:
            self._closing.wait(seconds)

    def _take_along(self) -> None:
        """Sends what earlier processes left, once the service is there."""
        for spool in self._left:
            try:
                self._send_all(spool)
            finally:
                spool.close()

    def _send_all(self, spool: Spool) -> None:
        while (found := spool.first()) is not None:
            path, body = found
            try:
                run_id = self._run_id(spool)
                if spool.kept(WITHOUT_LAYERS) is not None:
                    body = without_layers(body)
                self._client.add_batch(run_id, body)
            except RefusedError as error:
                if error.status in PASSING or error.status >= SERVER_ERROR:
                    raise
                self._refuse(error)
            except (_BrokenSpoolError, InvalidDocumentError) as error:
                self._refuse(error)
            spool.remove(path)

    def _run_id(self, spool: Spool) -> str:
        """What the service calls the run, which is announced to it at first."""
        known = spool.kept(ID)
        if known is not None:
            return known.decode()
        try:
            announcement = from_json(
                spool.kept(ANNOUNCEMENT) or b"", allow_inf_nan=False
            )
        except ValueError as error:
            raise _BrokenSpoolError(str(error)) from error
        layers = [TracedLayer(**layer) for layer in announcement["layers"]]
        if spool.kept(WITHOUT_LAYERS) is not None:
            layers = []
        try:
            run_id = self._announce(spool, announcement, layers)
        except RefusedError as error:
            reasons = [p.message for p in error.problems if p.pointer == ALL_LAYERS]
            if not (layers and reasons):
                raise
            run_id = self._announce(spool, announcement, [])
            spool.keep(WITHOUT_LAYERS, b"")
            self._leave_layers_out(announcement["name"], reasons[0])
        spool.keep(ID, run_id.encode())
        return run_id

    def _announce(
        self, spool: Spool, announcement: dict[str, Any], layers: list[TracedLayer]
    ) -> str:
        return self._client.create_run(
            announcement["name"],
            layers=layers,
            config=announcement["config"],
            idempotency_key=spool.key,
        )

    def _leave_layers_out(self, run: str, reason: str) -> None:
        self._left_out = (
            f"{run} is sent without its layers: the service takes no run of {reason}; "
            "losses and the norm of all gradients arrive"
        )
        logger.warning(self._left_out)

    def _refuse(self, error: GradHealthError) -> None:
        """Notes a batch that nobody will ever take; it must not stop the others."""
        self._complain(error)
        self._num_refused += 1

    def _complain(self, error: Exception) -> None:
        if self._trouble is None:
            logger.warning("recording goes on, sending does not: %s", error)
        self._trouble = str(error)
