"""A log line for every request that was answered.

Reading is told at DEBUG, since clients that wait ask often; what changes something at
INFO, and our own failures at WARNING. No query and no header is written down.
"""

import logging
from typing import Any

from starlette.types import Scope

from ..access.authentication import READING

logger = logging.getLogger("service.requests")


def log_request(scope: Scope, route: str, status: int, seconds: float) -> None:
    """Write down how a request was answered.

    Args:
        scope: The request.
        route: The template of its route.
        status: HTTP status of the answer.
        seconds: Time until it began.
    """
    level = _level(scope["method"], status)
    if not logger.isEnabledFor(level):
        return
    fields: dict[str, Any] = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "milliseconds": round(1000 * seconds, 1),
        **scope.get("path_params", {}),
    }
    logger.log(level, "%s %s %d", scope["method"], route, status, extra=fields)


def _level(method: str, status: int) -> int:
    if status >= 500:  # noqa: PLR2004 - HTTP's own: the server's failures
        return logging.WARNING
    return logging.DEBUG if method in READING else logging.INFO
