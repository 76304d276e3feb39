"""What runs again and again, and how often."""

from typing import Any, Final


def _every(seconds: float, task: str, *, expires: float | None = None) -> dict[str, Any]:
    """Have a task run again and again; what the next run would do anyway is not queued behind a worker that was away."""
    return {"task": task, "schedule": seconds, "options": {"expires": expires or seconds}}


BEAT: Final[dict[str, Any]] = {
    "store routine records": _every(1.0, "audit.tasks.drain_stream", expires=2.0),
    "store how sessions look": _every(2.0, "riskengine.tasks.drain_sights"),
    "learn from signals": _every(1.0, "riskengine.tasks.fold_signals", expires=2.0),
    "count what is usual": _every(86400.0, "riskengine.tasks.recompute", expires=3600.0),
    "write profiles anew": _every(30 * 86400.0, "riskengine.tasks.rebase", expires=3600.0),
    "go on through profiles": _every(5.0, "riskengine.tasks.go_on_recomputing"),
    "find where bands begin": _every(3600.0, "riskengine.tasks.calibrate"),
    "let go of old signals": _every(3600.0, "riskengine.tasks.expire"),
    "seal the trail": _every(10.0, "audit.tasks.seal_trail"),
    "tend the signing keys": _every(3600.0, "authlevels.tasks.tend_signing_keys"),
    "tell of expired tokens": _every(30.0, "authlevels.tasks.drop_expired_tokens"),
    "tell of what the database ended": _every(10.0, "authlevels.tasks.tell_ends"),
    "send notices": _every(10.0, "authlevels.tasks.send_notices"),
    "look over who is ready": _every(600.0, "authlevels.tasks.look_over_tenants"),
    "look over whose plan asks for more": _every(30.0, "authlevels.tasks.look_over_risen"),
    "forget what is over": _every(86400.0, "authlevels.tasks.forget_what_is_over", expires=3600.0),
    "give back what is held too long": _every(60.0, "licensing.tasks.expire_what_is_held"),
    "forget requests that waited too long": _every(300.0, "authlevels.tasks.forget_suspended"),
    "follow what was paid": _every(1.0, "billing.tasks.work_off"),
    "make the calls that wait for Stripe": _every(5.0, "billing.tasks.make_calls"),
    "end what closed tenants pay for": _every(60.0, "billing.tasks.end_closed"),
    "read events that no webhook brought": _every(60.0, "billing.tasks.catch_up"),
    "look at who was not looked at": _every(600.0, "billing.tasks.sweep"),
    "forget old events": _every(86400.0, "billing.tasks.forget_events", expires=3600.0),
    "tell what changed by itself": _every(5.0, "licensing.tasks.tell_changes"),
    "send webhooks": _every(2.0, "licensing.tasks.send_webhooks"),
    "forget events that were told": _every(86400.0, "licensing.tasks.forget_events", expires=3600.0),
    "apply scheduled changes": _every(60.0, "licensing.tasks.apply_due_changes"),
    "make plans of policy": _every(5.0, "decisions.tasks.make_plans"),
    "forget old plans of policy": _every(86400.0, "decisions.tasks.forget_plans", expires=3600.0),
    "make the trail's months": _every(21600.0, "audit.tasks.make_parts", expires=3600.0),
}
