"""Time passes: trials end, periods turn, payments are tried again, what was cancelled ends."""

import heapq
import itertools
from collections.abc import Callable

from config.fake_stripe.account import Account
from config.fake_stripe.checkout import expire_sessions
from config.fake_stripe.collecting import collect, drop_pending
from config.fake_stripe.cycles import end_of_period
from config.fake_stripe.events import emit
from config.fake_stripe.invoices import DRAFT_SECONDS, close, keep_invoice, method_for, new_invoice, subscription_of
from config.fake_stripe.lines import held, period_line
from config.fake_stripe.schedules import turn_phase
from config.fake_stripe.states import ENDED, changing, end, period_of
from config.fake_stripe.wire import Obj

_DAY = 24 * 3600
_WARNED_SECONDS = 3 * _DAY
_INCOMPLETE_SECONDS = 23 * 3600
_OPEN = {"draft", "open"}

type _Happening = Callable[[Account, Obj, int], None]


def pass_to(account: Account, until: int, clock: Obj | None = None) -> None:
    """Let a clock stand at an instant; what falls due until then happens first, each at its own time.

    clock: a test clock; None is the account's own.
    """
    name = None if clock is None else clock["id"]
    order = itertools.count()
    waiting: list[tuple[int, int, int, Obj]] = []

    def expect(subscription: Obj) -> None:
        found = _next(account, subscription)
        if found is not None:
            heapq.heappush(waiting, (*found[:2], next(order), subscription))

    for subscription in account.all("subscription"):
        if subscription["test_clock"] == name:
            expect(subscription)
    while waiting and waiting[0][0] <= until:
        at, _rank, _number, subscription = heapq.heappop(waiting)
        _stand(account, clock, at)
        found = _next(account, subscription)
        if found is not None and found[0] <= at:
            found[2](account, subscription, at)
        expect(subscription)
    _stand(account, clock, until)
    if clock is None:
        expire_sessions(account)


def _stand(account: Account, clock: Obj | None, at: int) -> None:
    if clock is not None:
        clock["frozen_time"] = max(clock["frozen_time"], at)
    else:
        account.frozen = at if account.frozen is None else max(account.frozen, at)


def _next(account: Account, subscription: Obj) -> tuple[int, int, _Happening] | None:
    """Say what happens next to a subscription, and when; of what happens at once, the first in this order."""
    status = subscription["status"]
    if status in ENDED:
        return None
    expected: list[tuple[int | None, _Happening]] = [(subscription["cancel_at"], _cancel)]
    if status == "incomplete":
        expected.append((subscription["created"] + _INCOMPLETE_SECONDS, _expire))
    elif status != "paused":
        pause, pending, warned = (
            subscription["pause_collection"],
            subscription["pending_update"],
            subscription["trial_end"],
        )
        is_told = status != "trialing" or account.secret(subscription["id"]).get("warned") == warned
        expected += [
            (None if is_told else warned - _WARNED_SECONDS, _warn),
            (_end_of_phase(account, subscription), _turn_phase),
            (min(item["current_period_end"] for item in subscription["items"]["data"]), _renew),
            (None if pause is None else pause["resumes_at"], _collect_again),
            (None if pending is None else pending["expires_at"], _drop_pending),
        ]
    expected.append((_due(account, subscription), _bill))
    known = [(at, rank, happening) for rank, (at, happening) in enumerate(expected) if at is not None]
    return min(known, key=lambda one: one[:2]) if known else None


def _end_of_phase(account: Account, subscription: Obj) -> int | None:
    if subscription["schedule"] is None:
        return None
    phase = account.get("subscription_schedule", subscription["schedule"])["current_phase"]
    return None if phase is None else int(phase["end_date"])


def _invoices(account: Account, subscription: Obj) -> list[tuple[int, Obj]]:
    """List a subscription's invoices that something is yet to be done with, and when."""
    return [
        (at, invoice)
        for invoice in account.of("invoice", subscription["customer"])
        if invoice["status"] in _OPEN and subscription_of(invoice) == subscription["id"]
        and (at := invoice["automatically_finalizes_at"] or invoice["next_payment_attempt"]) is not None
    ]  # fmt: skip


def _due(account: Account, subscription: Obj) -> int | None:
    return min((at for at, _invoice in _invoices(account, subscription)), default=None)


def _bill(account: Account, subscription: Obj, at: int) -> None:
    for due, invoice in _invoices(account, subscription):
        if due <= at:
            collect(account, invoice)


def _warn(account: Account, subscription: Obj, _at: int) -> None:
    account.secret(subscription["id"])["warned"] = subscription["trial_end"]
    emit(account, "customer.subscription.trial_will_end", subscription)


def _cancel(account: Account, subscription: Obj, at: int) -> None:
    end(account, subscription, at, why="cancellation_requested")


def _turn_phase(account: Account, subscription: Obj, at: int) -> None:
    turn_phase(account, subscription, at)


def _drop_pending(account: Account, subscription: Obj, _at: int) -> None:
    drop_pending(account, subscription)


def _collect_again(account: Account, subscription: Obj, _at: int) -> None:
    with changing(account, subscription):
        subscription["pause_collection"] = None


def _expire(account: Account, subscription: Obj, at: int) -> None:
    invoice = account.get("invoice", subscription["latest_invoice"])
    if invoice["status"] in _OPEN:
        close(account, invoice, "void")
    end(account, subscription, at, status="incomplete_expired")


def _renew(account: Account, subscription: Obj, at: int) -> None:
    """Begin the next period, with an invoice that is a draft for an hour."""
    customer = account.get("customer", subscription["customer"])
    over = period_of(subscription)
    is_trial = subscription["status"] == "trialing"
    if is_trial and method_for(customer, subscription) is None and _ends_unpaid(account, subscription, at):
        return
    with changing(account, subscription):
        if is_trial:
            subscription["status"] = "active"
        turned = []
        for item in subscription["items"]["data"]:
            if item["current_period_end"] <= at:
                _turn(subscription, item)
                turned.append(item)
        owed = account.secret(subscription["id"]).pop("owed", []) + account.secret(customer["id"]).pop("owed", [])
        lines = owed + [period_line(account, subscription, held(item)) for item in turned]
        invoice = new_invoice(account, customer, subscription, lines, reason="subscription_cycle", period=over)
        invoice["automatically_finalizes_at"] = at + DRAFT_SECONDS
        if subscription["status"] == "unpaid":
            invoice.update(automatically_finalizes_at=None, auto_advance=False)
        keep_invoice(account, invoice, lines)
        subscription["latest_invoice"] = invoice["id"]
        if subscription["cancel_at_period_end"]:
            subscription["cancel_at"] = period_of(subscription)[1]
    _pause(account, subscription, invoice)


def _turn(subscription: Obj, item: Obj) -> None:
    start = item["current_period_end"]
    anchor = subscription["billing_cycle_anchor"]
    item["current_period_start"] = start
    item["current_period_end"] = end_of_period(min(anchor, start), item["price"]["recurring"], start)
    item["billed_until"] = item["current_period_end"]


def _ends_unpaid(account: Account, subscription: Obj, at: int) -> bool:
    """Do what is set for a trial that ends without a card; say whether it does not go on."""
    wanted = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if wanted == "cancel":
        end(account, subscription, at, why="cancellation_requested")
        return True
    if wanted == "pause":
        with changing(account, subscription):
            subscription["status"] = "paused"
        emit(account, "customer.subscription.paused", subscription)
        return True
    return False


def _pause(account: Account, subscription: Obj, invoice: Obj) -> None:
    pause = subscription["pause_collection"]
    if pause is None:
        return
    invoice.update(automatically_finalizes_at=None, auto_advance=False)
    if pause["behavior"] == "void":
        close(account, invoice, "void")
    elif pause["behavior"] == "mark_uncollectible":
        close(account, invoice, "uncollectible")
