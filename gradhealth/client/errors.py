"""What a service that is away, or says no, is to a program."""

import math
import time
from email.utils import parsedate_to_datetime

import httpx
from pydantic import ValidationError

from ..exceptions import GradHealthError, Problem
from ..schemas.problem_details import ProblemDetails

REQUEST_ID = "X-Request-ID"


class ServerUnreachableError(GradHealthError):
    """The service does not answer."""

    code = "server_unreachable"

    def __init__(self, server: str, reason: str) -> None:
        self.server = server
        super().__init__(
            f"no answer from {server} ({reason}): is the service running there? "
            "`gradhealth up` starts one"
        )


class RefusedError(GradHealthError):
    """The service refused a request.

    Attributes:
        status: HTTP status code.
        type: Stable name of the kind of problem; "" where it was not the service but
            a proxy that answered.
        problems: The single mistakes, with pointers into the body as sent.
        retry_after_seconds: When to ask again, if the service said so.
        request_id: Names the request in the service's log.
    """

    code = "refused"

    def __init__(self, answer: httpx.Response) -> None:
        told = _problem_details(answer)
        self.status = answer.status_code
        self.type = told.type
        self.problems = [Problem(each.pointer, each.message) for each in told.errors]
        self.retry_after_seconds = _seconds(answer.headers.get("Retry-After"))
        self.request_id: str | None = answer.headers.get(REQUEST_ID)
        super().__init__(f"the service refused ({self.status}): {told.detail}")


def _problem_details(answer: httpx.Response) -> ProblemDetails:
    """What the service says; of a proxy's own words only the first line's reason."""
    try:
        return ProblemDetails.model_validate_json(answer.content, extra="ignore")
    except ValidationError:
        reason = answer.reason_phrase
        return ProblemDetails(
            type="", title=reason, status=answer.status_code, detail=reason
        )


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` of RFC 9110: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after).timestamp()
    except ValueError:
        return None
    return float(max(0, math.ceil(moment - time.time())))
