"""People who look as they always do, and as they never do."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from isolation import clock
from isolation.api import tenant_transaction
from riskengine import api as risk
from riskengine.models import TenantCutoffs
from tests.decisions.conftest import World

HOME: Final = {
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
}
FAR: Final = {
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
}
ELSEWHERE: Final = {
    "ip": "192.0.2.77",
    "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
}


def seen(looks: dict[str, Any]) -> risk.Seen:
    """Read a look as a request would show it now."""
    device = looks.get("device") or {}
    told = risk.told(ip=looks.get("ip"), user_agent=looks.get("user_agent"), device_token=device.get("token"))
    return risk.seen_of(told, zone=None, at=clock.now())


def at_home(
    world: World, subject: str = "alice", *, tenant: UUID | None = None, days: int = 10, looks: dict[str, Any] = HOME
) -> None:
    """Let somebody have been here every day."""
    for day in range(days):
        risk.record_signal(
            tenant_id=tenant or world.acme,
            subject=("user", subject),
            session_id=None,
            kind="sign_in",
            seen=seen(looks),
            trust=1.0,
            at=clock.now() - timedelta(days=days - day),
        )


def far_is(world: World, band: str, *, tenant: UUID | None = None) -> None:
    """Let what looks as `FAR` be of a band, and what looks as `HOME` be low."""
    far, farther = 1.0, 10_000.0
    begins = {
        "medium": (far, farther, farther),
        "high": (far, far, farther),
        "critical": (far, far, far),
        "low": (farther, farther, farther),
    }[band]
    tenant_id = tenant or world.acme
    with tenant_transaction(tenant_id):
        TenantCutoffs.objects.update_or_create(
            tenant_id=tenant_id,
            defaults={
                "medium": begins[0],
                "high": begins[1],
                "critical": begins[2],
                "samples": 1_000,
                "calibrated_at": clock.now(),
            },
        )
    risk.forget_usual()
    risk.forget_assessments()
