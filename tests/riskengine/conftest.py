"""Acme and Globex, and people who look as they always do, or do not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from licensing import api as licensing
from riskengine import api as risk
from riskengine import store, valkey
from riskengine.known import Known
from riskengine.seen import Seen
from riskengine.stored import Stored, teach

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLGA = ("user", "olga")
HOME = Seen(
    network="203.0.113.0/24",
    asn="AS64500",
    country="DE",
    network_class="residential",
    browser="Firefox 151",
    family="Firefox",
    system="Linux desktop",
    hour=12,
    device="d-olga",
)
FAR = Seen(
    network="198.51.100.0/24",
    asn="AS64999",
    country="BR",
    network_class="hosting",
    browser="Chrome 150",
    family="Chrome",
    system="Windows desktop",
    hour=3,
    device="d-other",
)


@pytest.fixture
def acme(db: None) -> UUID:
    return tenant("acme")


@pytest.fixture
def globex(db: None) -> UUID:
    return tenant("globex")


@pytest.fixture
def no_valkey(settings: Any) -> Any:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    valkey.forget_connection()
    yield
    valkey.forget_connection()


def tenant(slug: str) -> UUID:
    return licensing.put_tenant(slug=slug, name=slug.title(), by="test", at=NOON)[0].id


def taught(
    tenant_id: UUID, seen: Seen = HOME, *, days: int = 1, trust: float = 1.0, at: datetime = NOON, **more: Any
) -> None:
    """Have a person sign in once on each of some days before."""
    signal: dict[str, Any] = {"tenant_id": tenant_id, "subject": OLGA, "session_id": None, "kind": "sign_in"}
    for day in range(days):
        risk.record_signal(**signal | more, seen=seen, trust=trust, at=at - timedelta(days=days - day))


def failed(tenant_id: UUID, seen: Seen = HOME, *, times: int = 1, at: datetime = NOON, **more: Any) -> None:
    signal: dict[str, Any] = {"tenant_id": tenant_id, "subject": OLGA, "session_id": None, "kind": "sign_in_failed"}
    for _ in range(times):
        risk.record_signal(**signal | more, seen=seen, at=at)


def assessed(tenant_id: UUID, seen: Seen = HOME, *, at: datetime = NOON, **more: Any) -> risk.Assessment:
    risk.forget_assessments()
    asked: dict[str, Any] = {"tenant_id": tenant_id, "subject": OLGA, "session_id": uuid4()}
    return risk.assess(**asked | more, seen=seen, at=at)


def known(tenant_id: UUID, **more: Any) -> Known:
    asked: dict[str, Any] = {"tenant_id": tenant_id, "subject": OLGA, "network": HOME.network, "session_id": None}
    return store.read(**asked | {"at": NOON} | more)


def learned(found: Known) -> Stored | None:
    """Give the profile with what waits to be folded into it."""
    stored = found.stored
    for one in sorted(found.taught, key=lambda one: one.at):
        stored = teach(stored, one)
    return stored
