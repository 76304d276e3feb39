"""The door: register a figure, write them all down, look at what may hang, span what takes time."""

from telemetry.exposition import CONTENT_TYPE, exposition, observe_many
from telemetry.gauges import Reading, gauge_of_house, gauge_of_process
from telemetry.looks import Look
from telemetry.pulse import before_reading, begin
from telemetry.tracing import Span, is_tracing, outgoing, span, trace_by

__all__ = [
    "CONTENT_TYPE",
    "Look",
    "Reading",
    "Span",
    "before_reading",
    "begin",
    "exposition",
    "gauge_of_house",
    "gauge_of_process",
    "is_tracing",
    "observe_many",
    "outgoing",
    "span",
    "trace_by",
]
