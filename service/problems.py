"""Errors as responses: problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Response

from gradhealth.exceptions import MAX_PROBLEMS, Problem
from gradhealth.schemas.problem_details import ProblemDetails, ProblemError

MEDIA_TYPE = "application/problem+json"


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error as a response.

    Args:
        status: HTTP status code.
        code: Stable name of the kind, in snake case.
        detail: What went wrong this time, and what to do.
        errors: The single mistakes; more than 20 are cut off.
        headers: Further headers of the response.
    """
    problem = ProblemDetails(
        type=f"urn:gradhealth:problem:{code.replace('_', '-')}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[
            ProblemError(pointer=error.pointer, message=error.message)
            for error in errors[:MAX_PROBLEMS]
        ],
    )
    return Response(problem.model_dump_json(), status, headers, media_type=MEDIA_TYPE)
