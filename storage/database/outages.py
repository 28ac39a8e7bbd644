"""Which errors say that a database is away, and where its operator can help."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_FULL = "the database's disk is full, so nothing was stored: make room, and try again"
_READ_ONLY = (
    "the database can only be read, so nothing was stored: make its disk or server "
    "writable, and try again"
)
# SQLite's names of errors, and PostgreSQL's codes (its documentation, appendix A).
_REMEDIES = {
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_WRITE": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_READONLY_DIRECTORY": _READ_ONLY,
    "53100": _FULL,
    "25006": _READ_ONLY,
}


def is_outage(error: Exception) -> bool:
    """Whether the database is out of reach, or takes nothing in, and may yet again.

    Args:
        error: As SQLAlchemy raised it, or the network.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeoutError | OSError)
    is_away = isinstance(error, OperationalError | InterfaceError)
    # A server that can only be read is an error of its own to some drivers.
    return is_away or error.connection_invalidated or remedy_for(error) is not None


def remedy_for(error: Exception) -> str | None:
    """What is wrong with the disk below a database and what helps, if that is it.

    Args:
        error: As SQLAlchemy raised it.
    """
    cause = getattr(error, "orig", None)
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return _REMEDIES.get(name or "")
