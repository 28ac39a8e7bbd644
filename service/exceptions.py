"""What the service refuses, each with its HTTP status."""

import math
from collections.abc import Mapping
from typing import ClassVar

from gradhealth.exceptions import GradHealthError


class ServiceError(GradHealthError):
    """A request that is refused.

    Attributes:
        status_code: HTTP status of the answer.
        headers: What the answer's headers say about it.
    """

    status_code: ClassVar[int]
    headers: Mapping[str, str] = {}


class NotFoundError(ServiceError):
    """The analysis does not exist, or was deleted."""

    code = "not_found"
    status_code = 404

    def __init__(self, analysis_id: str) -> None:
        super().__init__(f"there is no analysis {analysis_id!r}; was it deleted?")


class UnknownWebhookError(ServiceError):
    """The webhook does not exist, or was deleted."""

    code = "not_found"
    status_code = 404

    def __init__(self, webhook_id: str) -> None:
        super().__init__(f"there is no webhook {webhook_id!r}; was it deleted?")


class UnknownDeliveryError(ServiceError):
    """The delivery does not exist, or was forgotten."""

    code = "not_found"
    status_code = 404

    def __init__(self, delivery_id: str) -> None:
        super().__init__(
            f"there is no delivery {delivery_id!r} of this webhook: what has ended is "
            "forgotten after a week"
        )


class TooManyWebhooksError(ServiceError):
    """The project has as many webhooks as it may."""

    code = "too_many_webhooks"
    status_code = 409

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the project has {limit} webhooks, which is as many as it may: delete "
            "what is not needed"
        )


class UnknownRunError(ServiceError):
    """The run does not exist, or was deleted."""

    code = "not_found"
    status_code = 404

    def __init__(self, run_id: str) -> None:
        super().__init__(f"there is no run {run_id!r}; was it deleted?")


class NotFinishedError(ServiceError):
    """What was asked for exists only when the analysis has ended with a result."""

    code = "not_finished"
    status_code = 409

    def __init__(self, analysis_id: str, status: str) -> None:
        super().__init__(
            f"the analysis {analysis_id!r} is {status} and has no result to compare "
            "or to report: wait for it with GET /v1/analyses/{id}?wait=60"
        )


class NotAPairError(ServiceError):
    """A comparison needs two analyses."""

    code = "not_a_pair"
    status_code = 422

    def __init__(self, number: int) -> None:
        super().__init__(f"choose two analyses to compare, not {number}")


class BodyTooLargeError(ServiceError):
    """The request body is larger than the limit."""

    code = "body_too_large"
    status_code = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the body is larger than {limit_bytes:,} bytes: send a smaller document"
        )


class UnsupportedMediaTypeError(ServiceError):
    """The request body is declared to be something that is not read here."""

    code = "unsupported_media_type"
    status_code = 415

    def __init__(self, media_type: str, known: str = "application/json") -> None:
        super().__init__(
            f"the body is declared as {media_type!r}: send it with the header "
            f"Content-Type: {known}"
        )


class UnsupportedEncodingError(ServiceError):
    """The request body is packed in a way that is not read here."""

    code = "unsupported_encoding"
    status_code = 415
    headers: Mapping[str, str] = {"Accept-Encoding": "gzip"}

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"the body is packed as {encoding!r}: send it as it is, or as gzip with "
            "the header Content-Encoding: gzip"
        )


class BrokenEncodingError(ServiceError):
    """A body that is said to be gzip, and is not."""

    code = "broken_encoding"
    status_code = 400

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body cannot be unpacked as gzip: {reason}")


class NotOneFileError(ServiceError):
    """A form that does not hold one file."""

    code = "not_one_file"
    status_code = 422

    def __init__(self, reason: str) -> None:
        super().__init__(f"expected a form with one file in it, or a body: {reason}")


class NoKeyError(ServiceError):
    """A request without a key, or with one that opens nothing."""

    code = "no_key"
    status_code = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__(
            "this service asks for a key: send `Authorization: Bearer gh_live_...` "
            "with one that is neither expired nor revoked; whoever runs the service "
            "makes them with `gradhealth key create`"
        )


class MissingScopeError(ServiceError):
    """The key may not do this."""

    code = "missing_scope"
    status_code = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"the key has not the scope {scope!r}, which this needs")


class ForeignProjectError(ServiceError):
    """The key opens another project than the request names."""

    code = "foreign_project"
    status_code = 403

    def __init__(self, project: str) -> None:
        super().__init__(
            f"the key opens the project {project!r} and no other; leave the project out"
        )


class NotSameSiteError(ServiceError):
    """A browser's request that does not say that it comes from a page of ours."""

    code = "not_same_site"
    status_code = 403

    def __init__(self) -> None:
        super().__init__(
            "a signed-in browser's request needs an Origin header; programs send a key"
        )


class TooManyRequestsError(ServiceError):
    """More requests than a key or its project may send."""

    code = "too_many_requests"
    status_code = 429

    def __init__(self, whose: str, seconds: float) -> None:
        self.headers = _retry_after(seconds)
        super().__init__(
            f"the {whose} has sent too many requests: wait as long as Retry-After "
            "says, and look at the RateLimit header before it is so far"
        )


class TooManyWrongKeysError(ServiceError):
    """More keys that open nothing than may come from an address."""

    code = "too_many_wrong_keys"
    status_code = 429

    def __init__(self, seconds: float) -> None:
        self.headers = _retry_after(seconds)
        super().__init__(
            "too many keys that open nothing came from your address: look at the key "
            "that is sent, and wait as long as Retry-After says; keys that opened "
            "something from there within the last hour still do"
        )


class QueueFullError(ServiceError):
    """The project has as many queued and running analyses as it may."""

    code = "queue_full"
    status_code = 429

    def __init__(self, limit: int, seconds: float) -> None:
        self.headers = _retry_after(seconds)
        super().__init__(
            f"the project has {limit} analyses queued and running, which is as many as "
            "it may: wait until some have ended, or cancel what is not needed"
        )


class WorkSpentError(ServiceError):
    """The workers gave the project the time it has for a day."""

    code = "work_spent"
    status_code = 429

    def __init__(self, limit_seconds: float, seconds: float) -> None:
        self.headers = _retry_after(seconds)
        super().__init__(
            f"the project has used the {limit_seconds:g} s of work it has a day: "
            "analyses are accepted again after midnight UTC"
        )


class StorageFullError(ServiceError):
    """The project stores as much as it may."""

    code = "storage_full"
    status_code = 409

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the project stores {limit_bytes:,} bytes, which is as much as it may: "
            "delete analyses that are not needed any more"
        )


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
