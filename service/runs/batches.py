"""What the service does with the batches of a run: store them, have them judged."""

from gradhealth.schemas.run import Receipt
from storage.runs.intake import Intake

from ..access.quotas import Quotas
from ..exceptions import UnknownRunError
from ..requests.batch_bodies import ReadBatch
from .judging import Judge


class BatchService:
    """Takes batches in.

    Args:
        intake: Stores them.
        judge: Says later what they mean.
        quotas: What the caller's project may still use.
    """

    def __init__(self, intake: Intake, judge: Judge, quotas: Quotas) -> None:
        self._intake = intake
        self._judge = judge
        self._quotas = quotas

    async def append(self, run_id: str, read: ReadBatch) -> Receipt:
        """Takes a batch in; a repeat changes nothing.

        Raises:
            UnknownRunError: There is no such run.
            BatchOrderError: It does not go on where the run stands.
            LayerCountError: The run has another number of layers.
            StorageFullError: The project may not store more.
        """
        await self._quotas.check_room(read.num_bytes)
        receipt = await self._intake.append(run_id, read.batch, read.chunks)
        if receipt is None:
            raise UnknownRunError(run_id)
        self._judge.notice(run_id)
        return receipt
