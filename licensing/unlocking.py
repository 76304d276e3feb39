"""What could be bought, as an error tells it."""

from typing import Any

from tiergate import Unlock


def unlock_json(unlock: Unlock) -> dict[str, Any]:
    """Write one way to be entitled."""
    price = None
    if unlock.price is not None:
        price = {"amount": unlock.price, "currency": unlock.currency, "interval": unlock.interval}
    return {
        "kind": unlock.kind.value,
        unlock.kind.value: unlock.key,
        "title": unlock.title,
        "version": unlock.version,
        "price": price,
        **({} if unlock.days is None else {"days": unlock.days}),
        "requires": unlock.requirement.to_json() if unlock.requirement else None,
    }
