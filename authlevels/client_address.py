"""Where a request comes from, taken only from proxies that the operator vouches for."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def person_address(request: HttpRequest) -> str | None:
    """Return the person's address, or None where no trusted proxy says it.

    With n trusted proxies it is the n-th entry of X-Forwarded-For from the right: every entry
    further left was written by the caller. The TCP peer is a proxy or a product's server, never
    taken for the person.
    """
    trusted: int = settings.TRUSTED_PROXY_COUNT
    if trusted < 1:
        return None
    entries = [one.strip() for one in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if len(entries) < trusted:
        return None
    return strict_address(entries[-trusted])


def counted_network(request: HttpRequest) -> str:
    """Return the network whose attempts are counted together: one IPv4 address, or an IPv6 /64.

    Falls back to the TCP peer, which here can only make the count stricter.
    """
    address = person_address(request) or strict_address(request.META.get("REMOTE_ADDR", ""))
    if address is None:
        return "unknown"
    if isinstance(ip_address(address), IPv6Address):
        return str(ip_network(f"{address}/64", strict=False))
    return address


def strict_address(text: str) -> str | None:
    """Return an address in its plain form, or None for a text that is none: no port, no scope, no brackets."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)
