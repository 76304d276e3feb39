"""How a line of the log is written: what is bound to it, and never an address or the values of a frame."""

import logging
import sys
from typing import Any, Final

import structlog
from django.http import HttpRequest
from structlog.typing import Processor

_UNMATCHED: Final = "(no such address)"
_BEFORE_RENDERING: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


class Routes(logging.Filter):
    """Writes a request's route where Django would write its path: an invitation's link has its secret there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through, without the path of the request that it is about."""
        request: Any = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            # As Django escapes what it was given.
            shown = {path, path.encode("unicode_escape").decode("ascii")}
            record.args = tuple(route_of(request) if one in shown else one for one in record.args)
        return True


def route_of(request: HttpRequest) -> str:
    """Name the pattern that a request's address fits, for whoever must not read the address."""
    match = request.resolver_match
    return f"/{match.route}" if match is not None else _UNMATCHED


def logging_of(log_format: str, *, level: str) -> dict[str, Any]:
    """Make structlog and the standard library write alike, and return what Django hands to the latter.

    log_format: ``console``, or ``json`` for one object a line.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE_RENDERING,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _BEFORE_RENDERING,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_for_people() if log_format == "console" else _for_machines()),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": formatter},
        "filters": {"routes": {"()": Routes}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen", "filters": ["routes"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},
            # The line of each request says its status, and its route instead of its path.
            "django.request": {"level": "ERROR"},
        },
    }


def _for_people() -> list[Processor]:
    # A traceback without the values of its variables: one of them may be a secret that somebody showed us.
    return [
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    ]


def _for_machines() -> list[Processor]:
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(transformer), structlog.processors.JSONRenderer()]
