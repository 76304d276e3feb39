"""The figures that rooms tell when asked, under the names that the page shows them by."""

from functools import cache, partial
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from audit import api as audit
from billing import api as billing
from config.celery import app
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as risk
from telemetry import api as telemetry

SWEEP: Final = "sweep"
_TIMEOUT_SECONDS: Final = 0.5
_ANSWERING: Final = frozenset({"web", "decide"})


def register() -> None:
    """Register every figure that fits what this process is for; reading them is left to who asks for the page."""
    telemetry.gauge_of_process("tiergate_processes", "Processes that tell their figures here.", _one, over="livesum")
    if settings.PROCESS not in _ANSWERING:
        return
    telemetry.gauge_of_process(
        "tiergate_push_listener_up",
        "1 where every process hears of changes by Valkey, 0 where one reads the database each time instead.",
        lambda: float(licensing.is_listening()),
        over="livemin",
    )
    telemetry.gauge_of_process(
        "tiergate_snapshots_held",
        "Tenants' snapshots that the processes remember.",
        lambda: float(licensing.snapshot_memory().held),
        over="livesum",
    )
    telemetry.gauge_of_process(
        "tiergate_snapshot_age_seconds",
        "The longest since a process compared the snapshot that it used last with the database.",
        lambda: licensing.snapshot_memory().age,
    )
    _register_pool()
    _register_records()
    _register_risk_data()
    if SWEEP in connections.databases:
        _register_trail()
        _register_risk()
        if settings.STRIPE.is_on or settings.TESTING:
            _register_billing()
    telemetry.gauge_of_house("tiergate_queue_tasks", "Tasks that wait for a worker.", queue_depths, labels=("queue",))


def queue_depths() -> dict[tuple[str, ...], float]:
    """Count the tasks that wait in each queue of the broker."""
    names = sorted(app.amqp.queues) or [app.conf.task_default_queue]
    client = _client()
    return {(name,): float(client.llen(f"{settings.VALKEY_PREFIX}:celery:{name}")) for name in names}


def _register_pool() -> None:
    if not settings.DATABASES[DEFAULT_DB_ALIAS].get("OPTIONS", {}).get("pool"):
        return
    for name, text, stat in (
        ("tiergate_pool_connections", "Connections to the database that the pools hold.", "pool_size"),
        ("tiergate_pool_idle", "Connections of the pools that are free.", "pool_available"),
        ("tiergate_pool_waiting", "Requests that wait for a connection.", "requests_waiting"),
    ):
        telemetry.gauge_of_process(name, text, partial(_pool_stat, stat), over="livesum")


def _pool_stat(name: str) -> float:
    pool = connections[DEFAULT_DB_ALIAS].pool  # type: ignore[attr-defined]  # PostgreSQL's wrapper alone has one
    return float(pool.get_stats().get(name, 0))


def _register_records() -> None:
    telemetry.gauge_of_process(
        "tiergate_record_unsent_bytes",
        "Routine records that wait to be sent to Valkey.",
        lambda: float(audit.stream_state().waiting),
        over="livesum",
    )
    telemetry.gauge_of_process(
        "tiergate_record_unstored_bytes",
        "Routine records that were sent, and that PostgreSQL is not known to hold.",
        lambda: float(audit.stream_state().held),
        over="livesum",
    )
    telemetry.gauge_of_process(
        "tiergate_record_stream_up",
        "1 where every process takes routine records for later, 0 where one writes each to PostgreSQL at once.",
        lambda: float(audit.stream_state().is_taking),
        over="livemin",
    )
    telemetry.gauge_of_house(
        "tiergate_record_batches",
        "Batches of routine records in Valkey that a worker has not stored yet.",
        lambda: float(audit.stream_length()),
    )


def _register_risk_data() -> None:
    telemetry.gauge_of_process(
        "tiergate_risk_data_stale",
        "Maps and lists of networks that are too old to be believed in everything, or cannot be read.",
        lambda: float(len(risk.stale_data(at=now()))),
    )


def _register_trail() -> None:
    telemetry.gauge_of_house(
        "tiergate_trail_unsealed_entries",
        "Entries of the trail that no checkpoint holds yet, counted up to 100,000.",
        lambda: float(audit.sealing_backlog().entries),
    )
    telemetry.gauge_of_house(
        "tiergate_trail_unsealed_seconds", "How long ago the oldest of them happened; 0 without any.", _oldest_unsealed
    )


def _register_risk() -> None:
    telemetry.gauge_of_house(
        "tiergate_risk_waiting_signals",
        "Signals that were recorded and not folded yet, counted up to 100,000.",
        lambda: float(risk.signal_backlog().signals),
    )
    telemetry.gauge_of_house(
        "tiergate_risk_waiting_seconds", "How long ago the oldest of them happened; 0 without any.", _oldest_waiting
    )


def _oldest_waiting() -> float:
    oldest_at = risk.signal_backlog().oldest_at
    return 0.0 if oldest_at is None else max(0.0, (now() - oldest_at).total_seconds())


def _register_billing() -> None:
    telemetry.gauge_of_house(
        "tiergate_billing_unread_customers",
        "Accounts at Stripe of which something is known to have changed, and that were not read since.",
        lambda: float(billing.billing_backlog().dirty),
    )
    telemetry.gauge_of_house(
        "tiergate_billing_unread_seconds", "How long the oldest of them has waited; 0 without any.", _oldest_unread
    )
    telemetry.gauge_of_house(
        "tiergate_billing_dead_letters",
        "Accounts, events and calls that a person must look at.",
        lambda: float(billing.billing_backlog().dead),
    )


def _oldest_unread() -> float:
    since = billing.billing_backlog().dirty_since
    return 0.0 if since is None else max(0.0, (now() - since).total_seconds())


def _oldest_unsealed() -> float:
    oldest_at = audit.sealing_backlog().oldest_at
    return 0.0 if oldest_at is None else max(0.0, (now() - oldest_at).total_seconds())


def _one() -> float:
    return 1.0


@cache
def _client() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
