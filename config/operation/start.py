"""What is looked at in a process before it serves anybody."""

from wsgiref.types import WSGIApplication

import structlog
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from config.operation.checks import connects_unfit
from config.operation.roles import UNFIT
from config.operation.rules import load_rules
from config.operation.tracing import traced
from riskengine import api as risk
from telemetry import api as telemetry

_log = structlog.get_logger(__name__)


def before_serving(application: WSGIApplication) -> WSGIApplication:
    """Look the installation over, load the rules in force, begin to write figures, and return what to serve.

    It is served with spans, where they are wanted. A database that does not answer stops nothing: the process says so
    at `/readyz`, and serves when it is back. What else the first request would wait for is loaded.

    :raises ImproperlyConfigured: a system check found an error, as an address that nobody guards, or the app's role is
        one that row-level security does not bind.
    """
    for message in run_checks():
        if message.is_serious() and not message.is_silenced():
            raise ImproperlyConfigured(str(message))
        if str(message.id).startswith("config."):
            _log.warning("check", id=message.id, message=message.msg, hint=message.hint)
    if connects_unfit():
        raise ImproperlyConfigured(UNFIT)
    risk.get_ready()
    load_rules()
    telemetry.begin()
    return traced(application)
