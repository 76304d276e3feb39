"""Which requests look alike: by what, so that doing the same again is not taken for something new."""

from hashlib import blake2b

from riskengine.seen import Seen


def alike(seen: Seen) -> str:
    """Name what a request looks like, but for what moves by itself: the hour, the browser's version, the network within a provider."""
    return _digest(seen.asn or seen.network or seen.country, seen.device, seen.family, seen.system)


def the_same(seen: Seen) -> str:
    """Name what a request looks like, but for the hour."""
    return _digest(
        *(seen.network, seen.asn, seen.country, seen.network_class),
        *(seen.device, seen.browser, seen.family, seen.system),
    )


def _digest(*values: str | None) -> str:
    # A value cannot hold what parts it from the next: none of them has a control character.
    return blake2b("\x1f".join(value or "" for value in values).encode(), digest_size=8).hexdigest()
