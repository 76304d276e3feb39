"""How a request looks besides who asks for what: what only rules of a policy read, and nobody's word makes true."""

from typing import Literal

from msgspec import Struct

Band = Literal["low", "medium", "high", "critical", "unknown"]
NetworkClass = Literal["residential", "mobile", "business", "hosting", "vpn", "tor", "unknown"]


class Circumstances(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What rules may read and a decision's other facts do not hold; what is left out nobody knows.

    scopes: those that stand for the action. plans: keys of the plan and add-ons that are held.
    has_transaction: something is said of a transaction, be it unclear what.
    transaction_amount: minor units. offset: seconds by which the zone is ahead of UTC at the instant asked about; it
    is given, and not looked up, so that the same facts are the same hour for ever.
    """

    scopes: tuple[str, ...] | None = None
    plans: tuple[str, ...] | None = None
    risk_band: Band = "unknown"
    risk_score: float | None = None
    has_transaction: bool = False
    transaction_type: str | None = None
    transaction_amount: int | None = None
    transaction_currency: str | None = None
    country: str | None = None
    network_class: NetworkClass = "unknown"
    is_known_device: bool = False
    zone: str | None = None
    offset: int | None = None


NOTHING_KNOWN = Circumstances()
