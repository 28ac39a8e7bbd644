"""The port to the job engine (DBOS), which says "look at this analysis now".

What is true stands in our own rows; the engine may repeat itself at any time. This is
the only module that knows it: another engine means another version of this file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeAlias

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
from sqlalchemy.ext.asyncio import AsyncSession

from .config import StorageSettings

# Runs a piece of work under a key and keeps its JSON-able reply: when the analysis
# is taken over by another worker, a kept reply is returned instead of working again.
Step: TypeAlias = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
# Works on the analysis with the given id; called again after a worker's death.
Work: TypeAlias = Callable[[str, Step], Awaitable[None]]

_APPLICATION = "gradhealth"
# Raise only together with a change of the steps' names or replies, after a drain:
# an engine of one version leaves the work of another alone.
_VERSION = "1"
_WORKFLOW = "analyse"
_QUEUE = "analyses"
_TERMINAL = frozenset(
    status.value
    for status in (
        WorkflowStatusString.SUCCESS,
        WorkflowStatusString.ERROR,
        WorkflowStatusString.CANCELLED,
        WorkflowStatusString.MAX_RECOVERY_ATTEMPTS_EXCEEDED,
    )
)
# Above any fleet's size, so it limits nobody; it makes the queue visit the projects
# in random order, so that a project's flood does not delay the others.
_PER_PROJECT = 100


# It reports every queue and every analysis that changed hands; here both are usual.
_engine_log = logging.getLogger("dbos")
_engine_log.setLevel(logging.ERROR)
# Its own handler would write in a format of its own.
_engine_log.handlers, _engine_log.propagate = [logging.NullHandler()], True


class Queue:
    """The accepting side: puts analyses into the queue."""

    def __init__(self, settings: StorageSettings) -> None:
        self._client = DBOSClient(
            system_database_url=settings.sync_url,
            # The engine's default is pickle; nothing stored may ever be unpickled.
            serializer=DBOSPortableJSONSerializer(),
            application_name=_APPLICATION,
            lazy=True,
            # A database that is down is an error for the caller, not a wait.
            retry_connection_errors=False,
        )

    async def enqueue(
        self, session: AsyncSession, analysis_id: str, project: str
    ) -> None:
        """Enqueue in the session's transaction; a second time changes nothing."""
        options = _options(analysis_id, project)
        await session.run_sync(
            lambda sync: self._client.enqueue_in_transaction(sync, options, analysis_id)
        )

    def close(self) -> None:
        """Close the engine's connections."""
        self._client.destroy()


class Engine:
    """The working side: takes analyses from the queue, one at a time.

    Args:
        worker_id: Unique among all processes, and the same after a restart: an engine
            that comes back under its old name takes up its unfinished work at once.
        poll_seconds: Pause between two looks into the queue.
    """

    def __init__(
        self, settings: StorageSettings, *, worker_id: str, poll_seconds: float
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._poll_seconds = poll_seconds
        self._running: set[asyncio.Task[Any]] = set()
        self._stopping = False

    async def launch(self, work: Work) -> None:
        """Begin to take work, on this event loop, which must be the main thread's."""
        event.listen(sqlalchemy.Engine, "handle_error", _recognise_outage)
        await self._register_queue()
        config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_url": self._settings.sync_url,
            "executor_id": self._worker_id,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "run_migrations": False,
            "log_level": "ERROR",
        }
        DBOS(config=config)

        # The bound on attempts is ours (the row's), not the engine's.
        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        async def analyse(analysis_id: str) -> None:
            if self._stopping:
                # Taken in the last moment: to be left untouched for the next worker.
                raise asyncio.CancelledError
            await self._follow(work(analysis_id, _step))

        DBOS.launch()

    async def resume_lost(self, alive: Collection[str]) -> None:
        """Put back into the queue what workers outside `alive` had taken.

        Replies kept by a step are kept. Doing it twice costs one step done twice.
        """
        pending = await DBOS.list_workflows_async(
            status=WorkflowStatusString.PENDING.value,
            load_input=False,
            load_output=False,
        )
        for workflow in pending:
            if workflow.executor_id not in alive:
                await DBOS.resume_workflow_async(
                    workflow.workflow_id, queue_name=_QUEUE
                )

    async def reconcile(
        self, read_open: Callable[[], Awaitable[dict[str, str]]]
    ) -> None:
        """Make the engine's books agree with the rows, and forget finished work.

        Args:
            read_open: Reads the queued and running analyses: project by id.
        """
        # Read in this order: an analysis ends before its workflow does, so one that is
        # still open under a workflow that has ended was dropped.
        workflows = await DBOS.list_workflows_async(load_input=False, load_output=False)
        projects = await read_open()
        known = {each.workflow_id for each in workflows}
        ended = {each.workflow_id for each in workflows if each.status in _TERMINAL}
        for lost in projects.keys() - known:
            await DBOS.enqueue_workflow_with_options_async(
                _options(lost, projects[lost]), lost
            )
        for dropped in projects.keys() & ended:
            await DBOS.rewind_workflow_async(
                dropped, queue_name=_QUEUE, queue_partition_key=projects[dropped]
            )
        if finished := ended - projects.keys():
            await DBOS.delete_workflows_async(sorted(finished))

    async def stop(self) -> None:
        """Stop taking work and leave the unfinished to whoever comes next."""
        self._stopping = True
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await asyncio.to_thread(DBOS.destroy)

    async def _register_queue(self) -> None:
        # Before the launch: a queue the engine discovers later is first polled after
        # its default of a whole second.
        client = DBOSClient(
            system_database_url=self._settings.sync_url, application_name=_APPLICATION
        )
        await client.register_queue_async(
            _QUEUE,
            worker_concurrency=1,
            partition_concurrency=_PER_PROJECT,
            polling_interval_sec=self._poll_seconds,
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


def _options(analysis_id: str, project: str) -> EnqueueOptions:
    return {
        "workflow_name": _WORKFLOW,
        "queue_name": _QUEUE,
        "queue_partition_key": project,
        "workflow_id": analysis_id,
    }


async def _step(key: str, call: Callable[[], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await call()

    return await DBOS.run_step_async({"name": key}, run)


def migrate_engine(settings: StorageSettings) -> None:
    """Create or upgrade the engine's own tables."""
    DBOS.migrate(settings.sync_url)
