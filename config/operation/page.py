"""The probes and figures of a worker, which serves nothing else."""

import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from celery import bootsteps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

_PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None:
        """Write nothing: probes leave no line where requests do either."""


class Page(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery carries no types
    """Answers at TIERGATE_METRICS_PORT for as long as the worker runs; without one it is not there."""

    # After the pool has forked: what a thread holds at a fork stays held.
    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._server: WSGIServer | None = None

    def start(self, worker: Any) -> None:  # noqa: ARG002 - Celery's own signature
        """Begin to answer.

        :raises OSError: somebody else has the port.
        """
        if settings.METRICS_PORT:
            self._server = make_server(
                settings.METRICS_HOST, settings.METRICS_PORT, _probes_only(WSGIHandler()), _Server, _Quiet
            )
            threading.Thread(target=self._server.serve_forever, name="tiergate-page", daemon=True).start()

    def stop(self, worker: Any) -> None:  # noqa: ARG002 - as above
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    terminate = stop


def _probes_only(site: WSGIHandler) -> Any:
    def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") not in _PROBES:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        return site(environ, start_response)

    return answering
