"""One JSON file that the account outlives a restart in."""

import os
from pathlib import Path
from typing import Any

import msgspec

from config.fake_stripe.account import Account, Kept
from config.fake_stripe.wire import Obj, encode


def save(account: Account, file: Path) -> None:
    """Write the account down; whoever reads the file finds it whole, as it was before or as it is now."""
    version, numbers, spare = account.chance.getstate()
    written = encode(
        {
            "kinds": account.kinds,
            "hidden": account.hidden,
            "kept": account.kept,
            "frozen": account.frozen,
            "after_retries": account.after_retries,
            "chance": [version, numbers, spare],
        }
    )
    beside = file.with_suffix(".writing")
    # Fake as its keys are, nobody else's account is to read or change them.
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(written)
    beside.replace(file)


def load(account: Account, file: Path) -> list[Obj]:
    """Take over what was written down, if anything was; answers the events that nobody had taken by then."""
    if not file.exists():
        return []
    found: dict[str, Any] = msgspec.json.decode(file.read_bytes())
    for kept in found["kinds"].values():
        for one in kept.values():
            account.add(one)
    account.hidden = found["hidden"]
    account.kept = {key: Kept(*call) for key, call in found["kept"].items()}
    account.frozen = found["frozen"]
    account.after_retries = found["after_retries"]
    version, numbers, spare = found["chance"]
    account.chance.setstate((version, tuple(numbers), spare))
    prices = account.kinds.get("price", {})
    pending = [hidden["pending"]["items"] for hidden in account.hidden.values() if "pending" in hidden]
    for items in [*(one["items"]["data"] for one in account.all("subscription")), *pending]:
        for item in items:
            # A price is one object wherever it is: so what changes in it shows everywhere.
            item["price"] = prices[item["price"]["id"]]
    for endpoint in list(account.all("webhook_endpoint")):
        if account.secret(endpoint["id"]).get("given"):
            account.drop(endpoint)
    waiting = [event for event in account.all("event") if event["pending_webhooks"]]
    for event in waiting:
        event["pending_webhooks"] = 0
    return waiting
