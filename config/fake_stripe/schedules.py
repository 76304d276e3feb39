"""Schedules: what a subscription becomes, and when."""

from config.fake_stripe.account import Account
from config.fake_stripe.changes import PRORATIONS, apply, worked_out
from config.fake_stripe.cycles import step
from config.fake_stripe.events import changed, emit
from config.fake_stripe.items import counted, new_item, priced
from config.fake_stripe.lists import PAGE, in_time, page
from config.fake_stripe.routing import serves
from config.fake_stripe.states import changing, end, period_of
from config.fake_stripe.subscriptions import cancel_subscription
from config.fake_stripe.wire import Obj, Params, Refusal, copied

_KIND = "subscription_schedule"
_OF_PHASE = (
    "items",
    "start_date",
    "end_date",
    "duration",
    "proration_behavior",
    "metadata",
    "description",
    "trial_end",
)


@serves("POST /v1/subscription_schedules", "from_subscription metadata")
def create_schedule(account: Account, params: Params) -> Obj:
    """Put a subscription under a schedule, whose one phase is the period that it is in."""
    subscription = account.named("subscription", params.needed("from_subscription"), "from_subscription")
    if subscription["schedule"]:
        raise Refusal(
            f"You cannot migrate a subscription that is already attached to a schedule: `{subscription['schedule']}`.",
            param="from_subscription",
        )
    start, until = period_of(subscription)
    rows = [_phase_item(item["price"], item["quantity"], item["metadata"]) for item in subscription["items"]["data"]]
    phase = _phase(subscription["currency"], rows, start, until, "create_prorations", {})
    phase["trial_end"] = subscription["trial_end"] if subscription["status"] == "trialing" else None
    made: Obj = {
        "id": account.new_id("sub_sched_"),
        "object": _KIND,
        "application": None,
        "billing_mode": subscription["billing_mode"],
        "canceled_at": None,
        "completed_at": None,
        "created": account.now(subscription),
        "current_phase": {"start_date": start, "end_date": until},
        "customer": subscription["customer"],
        "default_settings": {
            "application_fee_percent": None,
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": subscription["collection_method"],
            "default_payment_method": subscription["default_payment_method"],
            "description": None,
            "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": "release",
        "livemode": False,
        "metadata": params.metadata(),
        "pause_schedules": [],
        "phases": [phase],
        "released_at": None,
        "released_subscription": None,
        "status": "active",
        "subscription": subscription["id"],
        "test_clock": subscription["test_clock"],
    }
    account.add(made)
    emit(account, "subscription_schedule.created", made)
    with changing(account, subscription):
        subscription["schedule"] = made["id"]
    return made


def _phase_item(price: Obj, quantity: int, metadata: Obj) -> Obj:
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": dict(metadata),
        "plan": price["id"],
        "price": price["id"],
        "quantity": quantity,
        "tax_rates": [],
    }


def _phase(currency: str, items: list[Obj], start: int, until: int, prorations: str, metadata: Obj) -> Obj:
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_cycle_anchor": None,
        "billing_thresholds": None,
        "collection_method": None,
        "currency": currency,
        "default_payment_method": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "end_date": until,
        "invoice_settings": None,
        "items": items,
        "metadata": metadata,
        "on_behalf_of": None,
        "proration_behavior": prorations,
        "start_date": start,
        "transfer_data": None,
        "trial_end": None,
    }


@serves("GET /v1/subscription_schedules", f"customer created scheduled {PAGE}")
def list_schedules(account: Account, params: Params) -> Obj:
    """List schedules."""
    customer = account.asked_for(params)
    rows = in_time(params, account.all(_KIND) if customer is None else account.of(_KIND, customer))
    return page("/v1/subscription_schedules", _KIND, params, rows)


@serves("GET /v1/subscription_schedules/*")
def get_schedule(account: Account, _params: Params, name: str) -> Obj:
    """Answer one schedule."""
    return account.get(_KIND, name)


@serves("POST /v1/subscription_schedules/*", "phases end_behavior metadata proration_behavior")
def update_schedule(account: Account, params: Params, name: str) -> Obj:
    """Change what is to come; what the current phase is of changes at once."""
    schedule = _living(account, name)
    subscription = account.get("subscription", schedule["subscription"])
    before = copied(schedule)
    behaviour = params.choice("end_behavior", "cancel", "release") or schedule["end_behavior"]
    if "phases" in params:
        phases = _phases(account, schedule, params.rows("phases"))
        if subscription["status"] == "trialing" and phases[0]["trial_end"] is None:
            raise Refusal("The fake ends no trial by a phase that does not name it.", param="phases[0][trial_end]")
        _apply(account, subscription, phases[0], params.choice("proration_behavior", *PRORATIONS))
        schedule["phases"] = phases
        schedule["current_phase"] = _current(phases[0])
    schedule["end_behavior"] = behaviour
    schedule["metadata"] = params.metadata(schedule["metadata"])
    changed(account, "subscription_schedule.updated", before, schedule)
    return schedule


def _living(account: Account, name: str) -> Obj:
    schedule = account.get(_KIND, name)
    if schedule["status"] != "active":
        raise Refusal(
            f"You cannot update a subscription schedule that is currently in the `{schedule['status']}` status."
        )
    return schedule


def _current(phase: Obj) -> Obj:
    return {"start_date": phase["start_date"], "end_date": phase["end_date"]}


def _phases(account: Account, schedule: Obj, rows: list[Params]) -> list[Obj]:
    """Read the phases: the current one first, each after the one before.

    :raises Refusal: the first begins elsewhere, or one ends before it begins.
    """
    start = schedule["current_phase"]["start_date"]
    if not rows or rows[0].whole("start_date") not in {None, start}:
        raise Refusal("You can not modify the start date of the current phase.", param="phases[0][start_date]")
    made = []
    for row in rows:
        row.only(*_OF_PHASE)
        if row.whole("start_date") not in {None, start}:
            raise Refusal("A phase must start where the one before it ends.", param=row.named("start_date"))
        items = []
        prices = []
        for item in row.rows("items"):
            item.only("price", "quantity", "metadata", "plan")
            prices.append(priced(account, item))
            quantity = counted(item)
            items.append(_phase_item(prices[-1], 1 if quantity is None else quantity, item.metadata()))
        if not items:
            raise Refusal("A phase must have at least one item.", param=row.named("items"))
        until = _end_of(row, start, prices[0])
        behaviour = row.choice("proration_behavior", *PRORATIONS) or "create_prorations"
        made.append(_phase(prices[0]["currency"], items, start, until, behaviour, row.metadata()))
        made[-1]["trial_end"] = row.whole("trial_end")
        start = until
    return made


def _end_of(row: Params, start: int, price: Obj) -> int:
    until = row.whole("end_date")
    span = row.inner("duration")
    if until is not None and span is not None:
        raise Refusal("You may only pass one of end_date and duration.", param=row.named("duration"))
    if span is not None:
        span.only("interval", "interval_count")
        every = {"interval": span.needed("interval"), "interval_count": span.whole("interval_count") or 1}
        return step(start, every, 1)
    if until is None:
        return step(start, price["recurring"], 1)
    if until <= start:
        raise Refusal("A phase must end after it starts.", param=row.named("end_date"))
    return until


def _apply(account: Account, subscription: Obj, phase: Obj, behaviour: str | None) -> None:
    """Make a subscription what a phase says, where it is not that already."""
    now = account.now(subscription)
    items: list[Obj] = subscription["items"]["data"]
    wanted = {row["price"]: row for row in phase["items"]}
    have = {item["price"]["id"]: item for item in items}
    if {name: row["quantity"] for name, row in wanted.items()} == {n: item["quantity"] for n, item in have.items()}:
        return
    if all(item["current_period_end"] <= now for item in items):
        _replace(account, subscription, wanted, now)
        return
    rows: list[Obj] = [{"id": item["id"], "deleted": "true"} for name, item in have.items() if name not in wanted]
    for name, row in wanted.items():
        known = {"id": have[name]["id"]} if name in have else {}
        rows.append({**known, "price": name, "quantity": str(row["quantity"])})
    params = Params({"items": rows, "proration_behavior": behaviour or phase["proration_behavior"]})
    apply(account, subscription, worked_out(account, subscription, params), params)


def _replace(account: Account, subscription: Obj, wanted: dict[str, Obj], now: int) -> None:
    """Put a phase's items in the place of those whose period is over just now: the renewal that follows bills them."""
    over = period_of(subscription)
    have = {item["price"]["id"]: item for item in subscription["items"]["data"]}
    left = []
    for name, row in wanted.items():
        item = have.get(name) or new_item(
            account, subscription["id"], account.get("price", name), 0, row["metadata"], over, now
        )
        left.append({**item, "quantity": row["quantity"]})
    with changing(account, subscription):
        subscription["items"]["data"] = left


def turn_phase(account: Account, subscription: Obj, at: int) -> None:
    """Begin the next phase, or end the schedule where there is none."""
    schedule = account.get(_KIND, subscription["schedule"])
    before = copied(schedule)
    coming = next((phase for phase in schedule["phases"] if phase["start_date"] >= at), None)
    if coming is not None:
        schedule["current_phase"] = _current(coming)
        _apply(account, subscription, coming, None)
        changed(account, "subscription_schedule.updated", before, schedule)
    elif schedule["end_behavior"] == "cancel":
        schedule.update(status="completed", completed_at=at, current_phase=None)
        emit(account, "subscription_schedule.completed", schedule)
        subscription["schedule"] = None
        end(account, subscription, at, why="cancellation_requested")
    else:
        _release(account, schedule, subscription, at)


def _release(account: Account, schedule: Obj, subscription: Obj, at: int) -> None:
    schedule.update(
        status="released",
        released_at=at,
        released_subscription=subscription["id"],
        subscription=None,
        current_phase=None,
    )
    emit(account, "subscription_schedule.released", schedule)
    with changing(account, subscription):
        subscription["schedule"] = None


@serves("POST /v1/subscription_schedules/*/release", "preserve_cancel_date")
def release_schedule(account: Account, _params: Params, name: str) -> Obj:
    """Let a subscription go on without its schedule, as it is now."""
    schedule = _living(account, name)
    subscription = account.get("subscription", schedule["subscription"])
    _release(account, schedule, subscription, account.now(subscription))
    return schedule


@serves("POST /v1/subscription_schedules/*/cancel", "invoice_now prorate")
def cancel_schedule(account: Account, params: Params, name: str) -> Obj:
    """End a schedule, and its subscription with it."""
    schedule = _living(account, name)
    cancel_subscription(account, params, schedule["subscription"])
    return schedule
