"""What the service does with runs that are still going: announce, tell, forget."""

from collections.abc import Iterator, Sequence
from itertools import islice

from gradhealth.exceptions import MAX_PROBLEMS, InvalidDocumentError, Problem
from gradhealth.schemas.run import Run, RunRequest
from gradhealth.schemas.trace import Context, LayerDocument, TracedLayer
from gradhealth.traces import parse_context
from storage.runs.records import NewRun
from storage.runs.store import RunStore

from ..access.callers import Caller
from ..access.quotas import Quotas
from ..exceptions import UnknownRunError
from ..requests.bodies import Body
from .judging import Judge


class RunService:
    """Begins runs and answers for them.

    Args:
        store: Where they are kept.
        judge: Says what their numbers mean.
        caller: Who asks.
        quotas: What the caller's project may still use.
        max_layers: Most layers of a run.
    """

    def __init__(
        self,
        store: RunStore,
        judge: Judge,
        caller: Caller,
        quotas: Quotas,
        *,
        max_layers: int,
    ) -> None:
        self._store = store
        self._judge = judge
        self._caller = caller
        self._quotas = quotas
        self._max_layers = max_layers

    async def announce(
        self, body: Body[RunRequest], *, idempotency_key: str | None
    ) -> Run:
        """Begins a run; the same key and body give the same run again.

        Raises:
            ForeignProjectError: The caller's key opens another project.
            InvalidDocumentError: Too many layers, two of one path, or a configuration
                that misleads.
            IdempotencyConflictError: The key came with another body before.
            StorageFullError: The project may not store more.
        """
        request = body.content
        project = self._caller.own(request.project)
        self._check(request)
        await self._quotas.check_room(body.num_bytes)
        return await self._store.create(
            NewRun(
                name=request.name,
                layers=[
                    TracedLayer(path=each.path, type=each.type)
                    for each in request.layers
                ],
                config=request.config,
                project=project,
                idempotency_key=idempotency_key,
                request_hash=body.digest,
                num_bytes=body.num_bytes,
            )
        )

    def _check(self, request: RunRequest) -> None:
        if len(request.layers) > self._max_layers:
            message = f"more than {self._max_layers:,} layers"
            raise InvalidDocumentError([Problem("/layers", message)])
        if repeated := [*islice(_repeated(request.layers), MAX_PROBLEMS)]:
            raise InvalidDocumentError(repeated)
        known = Context.model_fields.keys() & request.config.keys()
        parse_context({name: request.config[name] for name in known}, "/config")

    async def find(self, run_id: str) -> Run:
        """The run with the diagnosis of everything that came so far.

        Raises:
            UnknownRunError: There is no such run.
        """
        if not await self._store.knows(run_id):
            raise UnknownRunError(run_id)
        result = await self._judge.result(run_id)
        run = await self._store.get(run_id)
        if run is None:
            raise UnknownRunError(run_id)
        return run.model_copy(update={"result": result})

    async def delete(self, run_id: str) -> None:
        """Forgets a run and its numbers.

        Raises:
            UnknownRunError: There is no such run.
        """
        if not await self._store.delete(run_id):
            raise UnknownRunError(run_id)


def _repeated(layers: Sequence[LayerDocument]) -> Iterator[Problem]:
    """Findings name layers by their path: it must tell them apart."""
    first: dict[str, int] = {}
    for place, layer in enumerate(layers):
        earlier = first.setdefault(layer.path, place)
        if earlier != place:
            message = (
                f"the same path as layer {earlier}: make every path a different one"
            )
            yield Problem(f"/layers/{place}/path", message)
