"""The port to the job engine (DBOS), which says "look at this analysis now".

What is true stands in our own rows; the engine may repeat itself at any time. This is
the only module that knows it: another engine means another version of this file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

import psycopg
import sqlalchemy
from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    WorkflowStatusString,
)
from sqlalchemy import event

from gradhealth.schemas.analysis import Device

from ..config import StorageSettings

# Works on the analysis with the given id; called again after a worker's death.
Work: TypeAlias = Callable[[str], Awaitable[None]]

_APPLICATION = "gradhealth"
# The same for ever: an engine of one version leaves the work of another alone, and old
# and new workers are to stand in for each other.
_VERSION = "1"
_WORKFLOW = "analyse"
# A thread of the engine that does nothing for us looks as often whether it is to end.
_NOTICE_SECONDS = 0.1
_QUEUES: tuple[Device, ...] = get_args(Device)
_TERMINAL = frozenset(
    status.value
    for status in (
        WorkflowStatusString.SUCCESS,
        WorkflowStatusString.ERROR,
        WorkflowStatusString.CANCELLED,
        WorkflowStatusString.MAX_RECOVERY_ATTEMPTS_EXCEEDED,
    )
)

# It reports every queue and every analysis that changed hands; here both are usual.
_engine_log = logging.getLogger("dbos")
_engine_log.setLevel(logging.ERROR)
# Its own handler would write in a format of its own.
_engine_log.handlers, _engine_log.propagate = [logging.NullHandler()], True


@dataclass(frozen=True, slots=True)
class Ticket:
    """An analysis' place: the queue, which takes the smallest turn first."""

    queue: Device
    turn: int


class Queue:
    """The accepting side: puts analyses into the queue.

    Args:
        engine: The one whose transactions it is given, so that the job engine compiles
            its statements once and not for every analysis.
    """

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self._client = DBOSClient(
            system_database_engine=engine,
            # The engine's default is pickle; nothing stored may ever be unpickled.
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
            lazy=True,
            # A database that is down is an error for the caller, not a wait.
            retry_connection_errors=False,
        )

    def enqueue(
        self, connection: sqlalchemy.Connection, analysis_id: str, ticket: Ticket
    ) -> None:
        """Enqueue in the connection's transaction; a second time changes nothing."""
        options = _options(analysis_id, ticket)
        self._client.enqueue_in_transaction(connection, options, analysis_id)

    def close(self) -> None:
        """Close the engine's connections."""
        self._client.destroy()


class Engine:
    """The working side: takes analyses from its queues, one at a time from each.

    Args:
        worker_id: Unique among all processes, and the same after a restart: an engine
            that comes back under its old name takes up its unfinished work at once.
        poll_seconds: Pause between two looks into a queue.
        queues: The queues it takes from.
    """

    def __init__(
        self,
        settings: StorageSettings,
        *,
        worker_id: str,
        poll_seconds: float,
        queues: Sequence[Device],
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._poll_seconds = poll_seconds
        self._queues = queues
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def launch(self, work: Work) -> None:
        """Begin to take work, on this event loop, which must be the main thread's."""
        event.listen(sqlalchemy.Engine, "handle_error", _recognise_outage)
        await self._register_queues()
        config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_url": self._settings.sync_url,
            "executor_id": self._worker_id,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "run_migrations": False,
            "notification_listener_polling_interval_sec": _NOTICE_SECONDS,
            "log_level": "ERROR",
        }
        DBOS(config=config)
        DBOS.listen_queues(self._queues)

        # The bound on attempts is ours (the row's), not the engine's.
        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        async def analyse(analysis_id: str) -> None:
            if self._stopping:
                # Taken in the last moment: to be left untouched for the next worker.
                raise asyncio.CancelledError
            await self._follow(work(analysis_id))

        DBOS.launch()

    async def resume_lost(self, alive: Collection[str]) -> None:
        """Put back into its queue what workers outside `alive` had taken."""
        pending = await DBOS.list_workflows_async(
            status=WorkflowStatusString.PENDING.value,
            load_input=False,
            load_output=False,
        )
        for workflow in pending:
            if workflow.executor_id not in alive:
                await DBOS.resume_workflow_async(
                    workflow.workflow_id, queue_name=workflow.queue_name
                )

    async def reconcile(
        self, read_open: Callable[[], Awaitable[dict[str, Ticket]]]
    ) -> None:
        """Make the engine's books agree with the rows, and forget finished work.

        Args:
            read_open: Reads the tickets of the queued and running analyses, by id.
        """
        # Read in this order: an analysis ends before its workflow does, so one that is
        # still open under a workflow that has ended was dropped.
        workflows = await DBOS.list_workflows_async(load_input=False, load_output=False)
        tickets = await read_open()
        known = {each.workflow_id: each.queue_name for each in workflows}
        ended = {each.workflow_id for each in workflows if each.status in _TERMINAL}
        for lost in tickets.keys() - known.keys():
            await DBOS.enqueue_workflow_with_options_async(
                _options(lost, tickets[lost]), lost
            )
        for dropped in tickets.keys() & ended:
            await DBOS.rewind_workflow_async(dropped, queue_name=tickets[dropped].queue)
        for id_, ticket in tickets.items():
            # An earlier version had one queue, of another name.
            if known.get(id_, ticket.queue) not in _QUEUES:
                await DBOS.resume_workflow_async(id_, queue_name=ticket.queue)
        if finished := ended - tickets.keys():
            await DBOS.delete_workflows_async(sorted(finished))

    async def drain(self, seconds: float) -> None:
        """Take no more work, and give what is under way so much time to end."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def stop(self) -> None:
        """Stop taking work and leave the unfinished to whoever comes next."""
        self._stopping = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await asyncio.to_thread(DBOS.destroy)

    async def _register_queues(self) -> None:
        # Before the launch: a queue the engine discovers later is first polled after
        # its default of a whole second.
        client = DBOSClient(
            system_database_url=self._settings.sync_url, application_name=_APPLICATION
        )
        for queue in _QUEUES:
            await client.register_queue_async(
                queue, worker_concurrency=1, polling_interval_sec=self._poll_seconds
            )
        client.destroy()

    async def _follow(self, work: Awaitable[None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await work
        finally:
            self._running.discard(task)


def _recognise_outage(context: sqlalchemy.ExceptionContext) -> None:
    # The job engine waits for a database that is away, but knows only some of the
    # ways to be away (not a server's socket that is gone). What the server has not
    # given a code to, the server has not said.
    error = context.original_exception
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
        context.is_disconnect = True


def _options(analysis_id: str, ticket: Ticket) -> EnqueueOptions:
    return {
        "workflow_name": _WORKFLOW,
        "queue_name": ticket.queue,
        "priority": ticket.turn,
        "workflow_id": analysis_id,
    }


def migrate_engine(settings: StorageSettings) -> None:
    """Create or upgrade the engine's own tables."""
    DBOS.migrate(settings.sync_url)
