"""Log lines, for people or as JSON, with the ids of what they are about.

Every logger of the process, those of libraries too, ends here. What an id is bound to
(`about`, `from_now_on_about`) is on each line until then; a trace's id comes by itself.
"""

import logging
import re
import sys
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias

import structlog
from opentelemetry import trace
from structlog.contextvars import (
    bind_contextvars,
    bound_contextvars,
    clear_contextvars,
    merge_contextvars,
)
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat: TypeAlias = Literal["console", "json"]
# Keys and webhooks' secrets, should one ever get into a message.
_SECRET = re.compile(r"\b(gh_live_[A-Za-z0-9]+_|whsec_)[A-Za-z0-9+/=_-]+")


def set_up_logs(level: str, log_format: LogFormat) -> None:
    """Write all log records of this process to stderr, one line each.

    Args:
        level: The mildest that are written, such as `INFO`.
        log_format: `console`, or `json`: an object a line, a traceback in one of
            its strings.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                *_common(),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(log_format),
                _mask,
            ]
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)


def about(**ids: str) -> AbstractContextManager[None]:
    """Put ids on all lines of a block, and of the tasks it starts."""
    return bound_contextvars(**ids)


def from_now_on_about(**ids: str) -> None:
    """Put ids, and no others, on all further lines of this task."""
    clear_contextvars()
    bind_contextvars(**ids)


def also_about(**ids: str) -> None:
    """Put further ids on all further lines of this task."""
    bind_contextvars(**ids)


def _common() -> list[Processor]:
    return [
        merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]


def _rendering(log_format: LogFormat) -> list[Processor]:
    if log_format == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    # Not the default for tracebacks, which would show what is in all variables.
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _add_trace(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
    return line


def _mask(_logger: WrappedLogger, _method: str, line: Any) -> str:
    return _SECRET.sub(r"\1***", str(line))
