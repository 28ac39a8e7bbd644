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
