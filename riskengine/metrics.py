"""What is counted as it happens."""

from typing import Final

from prometheus_client import Counter

READS: Final = Counter(
    "tiergate_risk_reads_total",
    "Times that something was asked or told of a person's risk, by how that went.",
    ["result"],
)
SIGNALS: Final = Counter("tiergate_risk_signals_total", "Signals that were recorded.", ["kind"])
ASSESSMENTS: Final = Counter("tiergate_risk_assessments_total", "Assessments that were made anew.", ["band"])
NOT_OBSERVED: Final = Counter(
    "tiergate_risk_not_observed_total",
    "Times that the engine failed where a tenant only looks on, so that something was not looked at.",
    ["what"],
)
SIGHTS: Final = Counter(
    "tiergate_risk_sights_total",
    "First sights of a session with its looks that were handed over to be stored.",
    ["result"],
)
FOLDED: Final = Counter("tiergate_risk_folded_total", "Signals that were folded into profiles, or taught nothing.")
