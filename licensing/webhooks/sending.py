"""Send one message over HTTP, to the address that was looked at, and believe nothing but its status."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Final

from licensing.errors import InvalidEndpoint
from licensing.webhooks.destinations import Destination, addresses_of, read_url

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
_ADDRESSES_TRIED: Final = 2
_MOST_DIGITS: Final = 9
_AGENT: Final = "Tiergate-Webhooks/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one try ended.

    status: what the endpoint said; None where it said nothing. error: one word where it failed; "" where it did not.
    retry_after: the seconds for which it asks to be left alone, where it said so with a 429 or 503.
    """

    status: int | None
    error: str
    milliseconds: int
    retry_after: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Say whether the endpoint took it: 2xx alone. A redirect is not followed, so it is no delivery."""
        return self.status is not None and http.client.OK <= self.status < http.client.MULTIPLE_CHOICES

    @property
    def is_gone(self) -> bool:
        """Say whether the endpoint asks to be sent nothing more."""
        return self.status == http.client.GONE


def post(url: str, *, headers: Mapping[str, str], body: bytes, total: float = TOTAL_SECONDS) -> Sent:
    """Post a body. It never raises, and takes no longer than ``total`` seconds after the name was looked up.

    Nothing of the answer is read but its status line and headers, which http.client bounds.
    """
    began, retry_after = monotonic(), None
    try:
        status, error, retry_after = _posted(url, headers, body, total)
    except InvalidEndpoint:
        status, error = None, "not_public"
    except TimeoutError:
        status, error = None, "timeout"
    except ssl.SSLCertVerificationError:
        status, error = None, "certificate"
    except ssl.SSLError:
        status, error = None, "tls"
    except socket.gaierror:
        status, error = None, "name"
    except OSError:
        status, error = None, "connection"
    except (http.client.HTTPException, ValueError):
        status, error = None, "answer"
    took = round((monotonic() - began) * 1000)
    return Sent(status=status, error=error, milliseconds=took, retry_after=retry_after)


def seconds_asked(status: int, said: str | None) -> int | None:
    """Read ``Retry-After`` of a 429 or 503, in seconds (RFC 9110 section 10.2.3); None for none, or for a date.

    A date would be read by the endpoint's clock, which nobody here knows.
    """
    if status not in {http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE} or said is None:
        return None
    plain = said.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= _MOST_DIGITS else None


def _posted(url: str, headers: Mapping[str, str], body: bytes, total: float) -> tuple[int, str, int | None]:
    # Read again at each use: what may be gone to can have become less since it was written down.
    destination = Destination(read_url(url))
    with _connected(destination) as plain, _cut_off(plain, total) as is_over:
        try:
            status, said = _status(plain, destination, headers, body)
        except (OSError, http.client.HTTPException):
            if is_over.is_set():
                raise TimeoutError from None
            raise
    error = "" if http.client.OK <= status < http.client.MULTIPLE_CHOICES else "refused"
    return status, error, seconds_asked(status, said)


def _status(
    plain: socket.socket, destination: Destination, headers: Mapping[str, str], body: bytes
) -> tuple[int, str | None]:
    kind = http.client.HTTPSConnection if destination.is_tls else http.client.HTTPConnection
    connection = kind(destination.host, destination.port)
    connection.sock = _tls().wrap_socket(plain, server_hostname=destination.host) if destination.is_tls else plain
    told = {"content-type": "application/json", "user-agent": _AGENT, "connection": "close", **headers}
    try:
        connection.request("POST", destination.target, body=body, headers=told)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After")
    finally:
        connection.close()


@contextmanager
def _connected(destination: Destination) -> Iterator[socket.socket]:
    """Connect to an address that was looked at: the name is not asked again, so nobody can answer otherwise now."""
    last: OSError = OSError("no address")
    for address in addresses_of(destination)[:_ADDRESSES_TRIED]:
        try:
            sock = socket.create_connection((str(address), destination.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            last = error
            continue
        try:
            yield sock
        finally:
            sock.close()
        return
    raise last


@contextmanager
def _cut_off(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """End a connection when its time is over, however slowly somebody talks: a socket's own timeout begins anew with each byte."""
    is_over = threading.Event()
    # A descriptor of its own: the one that TLS takes over may be closed by then, and its number be another's.
    ending = sock.dup()

    def end() -> None:
        is_over.set()
        try:
            ending.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is over already

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()
        timer.join()
        ending.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
