"""What is counted of data about networks."""

from typing import Final

from prometheus_client import Counter

FAILURES: Final = Counter(
    "tiergate_risk_data_failures_total", "Times that a map or list could not be read, or asked.", ["data"]
)
