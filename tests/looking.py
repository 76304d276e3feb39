"""People who look as they always do, and as they never do."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.models import Signal, TenantCutoffs

type Looks = dict[str, Any]

HOME: Final[Looks] = {
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
}
FAR: Final[Looks] = {
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
}
ELSEWHERE: Final[Looks] = {
    "ip": "192.0.2.77",
    "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
}


def told(looks: Looks) -> risk.Told:
    """Tell of a look as a request's context does."""
    token = (looks.get("device") or {}).get("token")
    return risk.told(ip=looks.get("ip"), user_agent=looks.get("user_agent"), device_token=token)


def seen(looks: Looks, at: datetime | None = None) -> risk.Seen:
    """Read a look as a request shows it, now unless said."""
    return risk.seen_of(told(looks), zone=None, at=at or clock.now())


def at_home(
    tenant_id: UUID,
    subject: tuple[str, str] = ("user", "alice"),
    *,
    days: int = 10,
    looks: Looks = HOME,
    at: datetime | None = None,
) -> None:
    """Let somebody have been here every day."""
    now = at or clock.now()
    for day in range(days):
        before = now - timedelta(days=days - day)
        risk.record_signal(
            tenant_id=tenant_id,
            subject=subject,
            session_id=None,
            kind="sign_in",
            seen=seen(looks, before),
            trust=1.0,
            at=before,
        )


def far_is(tenant_id: UUID, band: str) -> None:
    """Let what looks as `FAR` be of a band, and what looks as `HOME` be low."""
    far, farther = 1.0, 10_000.0
    begins = {
        "medium": (far, farther, farther),
        "high": (far, far, farther),
        "critical": (far, far, far),
        "low": (farther, farther, farther),
    }[band]
    named = dict(zip(("medium", "high", "critical"), begins, strict=True))
    with tenant_transaction(tenant_id):
        TenantCutoffs.objects.update_or_create(
            tenant_id=tenant_id, defaults={**named, "samples": 1_000, "calibrated_at": clock.now()}
        )
    risk.forget_usual()
    risk.forget_assessments()


def people_fail_from(tenant_id: UUID, looks: Looks, *, people: int = 25, at: datetime | None = None) -> None:
    """Let many people fail to sign in from somewhere, so that the network is somebody's who guesses."""
    now = at or clock.now()
    for number in range(people):
        risk.record_signal(
            tenant_id=tenant_id,
            subject=("user", f"guessed-{number}"),
            session_id=None,
            kind="sign_in_failed",
            seen=seen(looks, now),
            at=now,
        )
    risk.forget_assessments()


def signals(tenant_id: UUID, **which: Any) -> list[Signal]:
    """List a tenant's signals, the oldest first."""
    with tenant_transaction(tenant_id):
        return list(Signal.objects.filter(tenant_id=tenant_id, **which).order_by("at", "id"))
