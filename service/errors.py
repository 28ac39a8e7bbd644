"""Turns whatever goes wrong into a problem+json answer."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gradhealth.documents.strict_json import MalformedJsonError
from gradhealth.exceptions import InvalidDocumentError, Problem
from gradhealth.ingest import IngestError, LogTooLargeError
from gradhealth.schemas.problem_details import ProblemDetails
from storage.database.outages import is_outage, remedy_for
from storage.exceptions import (
    BatchOrderError,
    IdempotencyConflictError,
    LayerCountError,
)

from .access.sign_in import asks_for_page, go_and_sign_in, wants_page
from .allowed_methods import allowed_methods
from .exceptions import NoKeyError, ServiceError
from .monitoring.request_ids import HEADER, request_id_of
from .pages.rendering import Pages
from .problems import MEDIA_TYPE, problem_response

logger = logging.getLogger(__name__)

# Long enough for a database to come back from a restart or a short lock.
RETRY_AFTER_SECONDS = 2
_UNAVAILABLE = "the database is not available: try again, and look at /readyz"
Handler: TypeAlias = Callable[[Request, Exception], Awaitable[Response]]
_ROUTING_CODES = {404: "no_such_address", 405: "method_not_allowed"}


def add_error_handlers(app: FastAPI) -> None:
    """Makes every error a problem+json answer, or a page where one was asked for."""
    handlers: list[tuple[type[Exception], Handler]] = [
        (ServiceError, _refused),
        (MalformedJsonError, _malformed),
        (LogTooLargeError, _log_too_large),
        (IngestError, _invalid_document),
        (InvalidDocumentError, _invalid_document),
        (IdempotencyConflictError, _conflicting_key),
        (BatchOrderError, _out_of_order),
        (LayerCountError, _wrong_layers),
        (RequestValidationError, _invalid_parameters),
        (HTTPException, _not_routed),
        (DBAPIError, _database_unavailable),
        (PoolTimeoutError, _database_unavailable),
        (ClientDisconnect, _client_gone),
        (Exception, _internal_error),
    ]
    for error, handler in handlers:
        app.add_exception_handler(error, _for_people(handler))


def _for_people(handler: Handler) -> Handler:
    """The same answer as a page where a page was asked for."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = await handler(request, error)
        if problem.media_type != MEDIA_TYPE or not wants_page(request):
            return problem
        details = ProblemDetails.model_validate_json(bytes(problem.body))
        page = Pages().page("error", status=details.status, problem=details)
        kept = {"www-authenticate", "retry-after", HEADER.lower()}
        page.headers.update({k: v for k, v in problem.headers.items() if k in kept})
        return page

    return answer


# Starlette types every handler as taking an Exception: the assertions narrow it.


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    if isinstance(error, NoKeyError) and asks_for_page(request):
        return go_and_sign_in(request)
    return problem_response(
        error.status_code, error.code, str(error), headers=error.headers
    )


async def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, MalformedJsonError)
    return problem_response(400, error.code, str(error), errors=error.problems)


async def _log_too_large(_: Request, error: Exception) -> Response:
    assert isinstance(error, LogTooLargeError)
    return problem_response(413, error.code, str(error), errors=error.problems)


async def _invalid_document(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidDocumentError)
    return problem_response(422, error.code, str(error), errors=error.problems)


async def _conflicting_key(_: Request, error: Exception) -> Response:
    assert isinstance(error, IdempotencyConflictError)
    return problem_response(422, error.code, str(error))


async def _out_of_order(_: Request, error: Exception) -> Response:
    assert isinstance(error, BatchOrderError)
    return problem_response(409, error.code, str(error))


async def _wrong_layers(_: Request, error: Exception) -> Response:
    assert isinstance(error, LayerCountError)
    return problem_response(422, error.code, str(error))


async def _invalid_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [Problem("", _parameter_message(each)) for each in error.errors()]
    detail = problems[0].message
    return problem_response(422, "invalid_parameter", detail, errors=problems)


def _parameter_message(error: dict[str, Any]) -> str:
    place, *names = error["loc"]
    return f"{place} parameter {'.'.join(map(str, names))!r}: {error['msg']}"


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _ROUTING_CODES.get(error.status_code, "refused")
    detail = f"{request.method} {request.url.path}: {error.detail}; see /openapi.json"
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(allowed_methods(request))}
    return problem_response(error.status_code, code, detail, headers=headers)


async def _database_unavailable(_: Request, error: Exception) -> Response:
    if not is_outage(error):
        raise error
    logger.error("the database is not available: %s", error)
    detail = remedy_for(error) or _UNAVAILABLE
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem_response(503, "database_unavailable", detail, headers=headers)


async def _client_gone(_: Request, __: Exception) -> Response:
    # Nobody reads this answer; without it the server would log a traceback.
    return problem_response(400, "client_disconnected", "the body ended early")


async def _internal_error(request: Request, _: Exception) -> Response:
    # The server logs the traceback. This handler answers from outside the
    # middleware that adds the header.
    request_id = request_id_of(request.scope)
    detail = f"an error of ours: please report it with the request id {request_id}"
    headers = {HEADER: request_id}
    return problem_response(500, "internal_error", detail, headers=headers)
