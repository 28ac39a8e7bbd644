"""What storage refuses."""

from gradhealth.exceptions import GradHealthError


class IdempotencyConflictError(GradHealthError):
    """The same idempotency key came with another request."""

    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the idempotency key {key!r} was used for another request; "
            "send a new key, or the same request again"
        )


class BatchOrderError(GradHealthError):
    """A batch that does not go on where its run stands."""

    code = "batch_order"

    def __init__(self, last_sequence: int, last_step: int) -> None:
        super().__init__(
            f"the run has batch {last_sequence}, which ends with step {last_step}: "
            "go on with a larger sequence number and later steps; a repeat must be "
            "the same batch"
        )


class LayerCountError(GradHealthError):
    """A batch whose rows are not as long as the run has layers."""

    code = "layer_count"

    def __init__(self, given: int, expected: int) -> None:
        super().__init__(
            f"the rows have {given} layers, and the run was announced with {expected}: "
            "write null where nothing was measured"
        )
