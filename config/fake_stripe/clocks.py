"""Test clocks: customers whose time is what one says."""

from config.fake_stripe.account import Account
from config.fake_stripe.events import emit
from config.fake_stripe.lists import PAGE, page
from config.fake_stripe.passing import pass_to
from config.fake_stripe.routing import serves
from config.fake_stripe.states import ENDED, period_of
from config.fake_stripe.wire import Obj, Params, Refusal, copied

_KIND = "test_helpers.test_clock"
_KEPT_SECONDS = 30 * 24 * 3600
_MOST_PERIODS = 2


@serves("POST /v1/test_helpers/test_clocks", "frozen_time name")
def create_clock(account: Account, params: Params) -> Obj:
    """Make a clock that stands still."""
    now = account.now()
    frozen = params.whole("frozen_time")
    if frozen is None:
        raise Refusal("Missing required param: frozen_time.", code="parameter_missing", param="frozen_time")
    made: Obj = {
        "id": account.new_id("clock_"),
        "object": _KIND,
        "created": now,
        "deletes_after": now + _KEPT_SECONDS,
        "frozen_time": frozen,
        "livemode": False,
        "name": params.text("name"),
        "status": "ready",
        "status_details": {},
    }
    account.add(made)
    emit(account, "test_helpers.test_clock.created", made)
    return made


@serves("GET /v1/test_helpers/test_clocks", PAGE)
def list_clocks(account: Account, params: Params) -> Obj:
    """List the clocks."""
    return page("/v1/test_helpers/test_clocks", _KIND, params, account.all(_KIND))


@serves("GET /v1/test_helpers/test_clocks/*")
def get_clock(account: Account, _params: Params, name: str) -> Obj:
    """Answer one clock."""
    return account.get(_KIND, name)


@serves("POST /v1/test_helpers/test_clocks/*/advance", "frozen_time")
def advance_clock(account: Account, params: Params, name: str) -> Obj:
    """Put a clock forward; it answers that it advances, and is ready when it is asked next."""
    clock = account.get(_KIND, name)
    until = int(params.needed("frozen_time")) if params.whole("frozen_time") is not None else 0
    if until <= clock["frozen_time"]:
        raise Refusal("The frozen_time must be after the test clock's current frozen time.", param="frozen_time")
    _refuse_too_far(account, clock, until)
    told = copied({**clock, "status": "advancing", "status_details": {"advancing": {"target_frozen_time": until}}})
    emit(account, "test_helpers.test_clock.advancing", told)
    pass_to(account, until, clock)
    emit(account, "test_helpers.test_clock.ready", clock)
    return told


def _refuse_too_far(account: Account, clock: Obj, until: int) -> None:
    """Go no more than two of the shortest periods at a time.

    :raises Refusal: it is further.
    """
    spans = [
        end - start
        for subscription in account.all("subscription")
        if subscription["test_clock"] == clock["id"] and subscription["status"] not in ENDED
        for start, end in [period_of(subscription)]
    ]
    if spans and until - clock["frozen_time"] > _MOST_PERIODS * min(spans):
        raise Refusal(
            "You cannot advance a test clock by more than two intervals of its shortest subscription.",
            param="frozen_time",
        )


@serves("DELETE /v1/test_helpers/test_clocks/*")
def delete_clock(account: Account, _params: Params, name: str) -> Obj:
    """Remove a clock with all that lived by it."""
    clock = account.get(_KIND, name)
    for kind in ("subscription", "subscription_schedule", "invoice", "customer"):
        for gone in [one for one in account.all(kind) if one.get("test_clock") == name]:
            account.drop(gone)
    account.drop(clock)
    emit(account, "test_helpers.test_clock.deleted", clock)
    return {"id": name, "object": _KIND, "deleted": True}
