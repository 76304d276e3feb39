"""Spans: what took how long, below what. Where nobody asked for traces they cost a name and a test.

Spans hold no person's id, and no message of an exception, which might.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OpenSpan
    from opentelemetry.trace import Tracer, TracerProvider

type Attribute = str | bool | int | float
type Kind = Literal["internal", "server", "client", "consumer"]


class Span(Protocol):
    """What the block inside a span may say of it."""

    def set(self, **attributes: Attribute) -> None:
        """Add attributes; a dot in a name is written as two underscores."""

    def rename(self, name: str) -> None:
        """Name it by what was found out meanwhile, as a request by its route."""

    def fail(self, error: str) -> None:
        """Mark it as failed. error: a short stable word, as the name of a class."""

    def __enter__(self) -> Self:
        """Begin it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it; an exception marks it as failed, by the name of its class."""


class _Nothing:
    """The span that is there when nobody traces."""

    def set(self, **attributes: Attribute) -> None:
        """Do nothing."""

    def rename(self, name: str) -> None:
        """Do nothing."""

    def fail(self, error: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class _Traced:
    """A span of OpenTelemetry's, current for as long as its block runs."""

    def __init__(self, tracer: "Tracer", name: str, kind: Kind, parent: Mapping[str, str] | None) -> None:
        from opentelemetry.propagate import extract  # noqa: PLC0415 - where nobody traces it need not be installed
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - as above

        context = None if parent is None else extract(dict(parent))
        self._block = tracer.start_as_current_span(
            name,
            context=context,
            kind=SpanKind[kind.upper()],
            record_exception=False,
            set_status_on_exception=False,
        )
        self._span: OpenSpan | None = None

    def set(self, **attributes: Attribute) -> None:
        """Add attributes; a dot in a name is written as two underscores."""
        if self._span is not None:
            self._span.set_attributes({name.replace("__", "."): value for name, value in attributes.items()})

    def rename(self, name: str) -> None:
        """Name it anew."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, error: str) -> None:
        """Mark it as failed."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - as above

        if self._span is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)

    def __enter__(self) -> Self:
        self._span = self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        self._block.__exit__(kind, error, trace)


_NOTHING: Final = _Nothing()
_tracer: "Tracer | None" = None


def trace_by(provider: "TracerProvider | None") -> None:
    """Make spans by this provider from now on; by none where it is None."""
    global _tracer  # noqa: PLW0603 - set once, before a process serves
    _tracer = None if provider is None else provider.get_tracer("tiergate")


def is_tracing() -> bool:
    """Say whether somebody wants spans."""
    return _tracer is not None


def span(name: str, *, kind: Kind = "internal", parent: Mapping[str, str] | None = None) -> Span:
    """Measure a block, which may add to the span what it found out.

    parent: headers that may name the span this one is below (W3C Trace Context, ``traceparent`` and ``tracestate``);
        without them, that is the one around this block.
    """
    return _NOTHING if _tracer is None else _Traced(_tracer, name, kind, parent)


def outgoing() -> dict[str, str]:
    """Return the headers by which what is called or sent from here belongs below the current span; none without one."""
    if _tracer is None:
        return {}
    from opentelemetry.propagate import inject  # noqa: PLC0415 - where nobody traces it need not be installed

    headers: dict[str, str] = {}
    inject(headers)
    return headers
