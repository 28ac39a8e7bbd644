"""Turns whatever goes wrong into a problem+json answer."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gradhealth.exceptions import InvalidDocumentError, Problem
from gradhealth.ingest import IngestError, LogTooLargeError
from gradhealth.strict_json import MalformedJsonError
from storage.exceptions import (
    BatchOrderError,
    IdempotencyConflictError,
    LayerCountError,
)

from .allowed_methods import allowed_methods
from .exceptions import NoKeyError, ServiceError
from .problems import problem_response
from .request_ids import HEADER, request_id_of
from .sign_in import asks_for_page, go_and_sign_in

logger = logging.getLogger(__name__)

# Long enough for a database to come back from a restart or a short lock.
RETRY_AFTER_SECONDS = 2
_ROUTING_CODES = {404: "no_such_address", 405: "method_not_allowed"}


def add_error_handlers(app: FastAPI) -> None:
    """Makes every error of the application a problem+json answer."""
    app.add_exception_handler(ServiceError, _refused)
    app.add_exception_handler(MalformedJsonError, _malformed)
    app.add_exception_handler(LogTooLargeError, _log_too_large)
    app.add_exception_handler(IngestError, _invalid_document)
    app.add_exception_handler(InvalidDocumentError, _invalid_document)
    app.add_exception_handler(IdempotencyConflictError, _conflicting_key)
    app.add_exception_handler(BatchOrderError, _out_of_order)
    app.add_exception_handler(LayerCountError, _wrong_layers)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(HTTPException, _not_routed)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.add_exception_handler(error, _database_unavailable)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    app.add_exception_handler(Exception, _internal_error)


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
    logger.error("the database is not available: %s", error)
    detail = "the database is not available: try again, and look at /readyz"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return problem_response(503, "database_unavailable", detail, headers=headers)


async def _client_gone(*_: object) -> Response:
    # Nobody reads this answer; without it the server would log a traceback.
    return problem_response(400, "client_disconnected", "the body ended early")


async def _internal_error(request: Request, _: Exception) -> Response:
    # The server logs the traceback. This handler answers from outside the
    # middleware that adds the header.
    request_id = request_id_of(request.scope)
    detail = f"an error of ours: please report it with the request id {request_id}"
    headers = {HEADER: request_id}
    return problem_response(500, "internal_error", detail, headers=headers)
