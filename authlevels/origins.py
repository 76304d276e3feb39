"""Where a browser may be sent: compared as parsed origins, never as text."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_MAX_LENGTH = 2048


def normal_origin(url: str) -> str:
    """Return the origin of an address as ``scheme://host[:port]``, in lower case, default port left out.

    :raises ValueError: it is no http(s) address, carries a user name, or would send a person over
        plain http to another machine.
    """
    # Browsers read a backslash as a slash and drop tabs and line ends: what they would read
    # otherwise than this function is refused.
    if len(url) > _MAX_LENGTH or any(ch <= " " or ch in "\\\x7f" for ch in url):
        raise ValueError("This is not an address that may be returned to.")
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise ValueError("This is not an address that may be returned to.")
    if not host.isascii() or "%" in host:
        raise ValueError("This is not an address that may be returned to.")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("Only https may be returned to, other than on this machine.")
    port = parts.port
    shown = f"[{host}]" if ":" in host else host
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{shown}"
    return f"{parts.scheme}://{shown}:{port}"


def is_allowed_return(url: str, origins: tuple[str, ...]) -> bool:
    """Say whether an address lies on one of the origins, exactly."""
    try:
        return normal_origin(url) in origins
    except ValueError:
        return False


def is_local_path(path: str) -> bool:
    """Say whether a path stays on this site: one slash first, and nothing a browser would read as a host."""
    if not path.startswith("/") or path.startswith("//") or len(path) > _MAX_LENGTH:
        return False
    if any(ch < " " or ch in "\\\x7f" for ch in path):
        return False
    parts = urlsplit(path)
    return not parts.scheme and not parts.netloc
