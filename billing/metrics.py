"""What is counted as it happens; what stands in the database is told by `billing.standing`."""

from typing import Final

from prometheus_client import Counter

WEBHOOKS: Final = Counter("tiergate_billing_webhooks_total", "Webhooks of Stripe that came.", ["result"])
SYNCS: Final = Counter(
    "tiergate_billing_syncs_total", "Times that a customer's state was read from Stripe.", ["result"]
)
