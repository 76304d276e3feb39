"""What every task does besides its work: its lines carry its id and that of the request behind it, and it is counted."""

import time
from typing import Any, Final

import structlog
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from prometheus_client import Counter, Histogram
from structlog.contextvars import bound_contextvars, get_contextvars

from config.operation.tracing import begin_tracing, sql_spans
from telemetry import api as telemetry

TASKS: Final = Counter("tiergate_tasks_total", "Tasks that a worker ended.", ["task", "result"])
SECONDS: Final = Histogram(
    "tiergate_task_seconds",
    "How long tasks took.",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0),
)
REQUEST_ID: Final = "tiergate-request-id"
"""The header of a task's message that names the request which caused it."""

_CARRIED: Final = (REQUEST_ID, "traceparent", "tracestate")

_log = structlog.get_logger("tiergate.task")


class WatchedTask(Task):  # type: ignore[misc]  # Celery carries no types
    """The class of every task of ours."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send it, with the id of the request that it is sent from."""
        request_id = get_contextvars().get("request_id")
        headers = {**telemetry.outgoing(), **(options.pop("headers", None) or {})}
        if request_id:
            headers.setdefault(REQUEST_ID, str(request_id))
        return super().apply_async(args, kwargs, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do its work inside its ids."""
        telemetry.begin()
        begin_tracing()
        request = self.request
        sent = {name: str(value) for name in _CARRIED if (value := getattr(request, name, None))}
        caused_by = sent.pop(REQUEST_ID, None)
        ids = {"task_id": request.id, **({"request_id": caused_by} if caused_by else {})}
        began = time.perf_counter()
        result = "failed"
        with (
            bound_contextvars(**ids),
            telemetry.span(f"task {self.name}", kind="consumer", parent=sent),
            sql_spans(),
        ):
            try:
                found = super().__call__(*args, **kwargs)
                result = "done"
            except Retry:
                result = "retried"
                raise
            except (Ignore, Reject):
                result = "refused"
                raise
            finally:
                seconds = time.perf_counter() - began
                TASKS.labels(self.name, result).inc()
                SECONDS.labels(self.name).observe(seconds)
                say = _log.warning if result == "failed" else _log.debug
                say("task", task=self.name, result=result, ms=round(seconds * 1000, 2))
        return found
