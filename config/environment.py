"""How a setting is read: strictly, with a sentence that names it where it is wrong, and never its value if it is secret."""

import base64
import binascii
import difflib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import environ
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from django.core.exceptions import ImproperlyConfigured

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")
_KEY_BYTES: Final = 32
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_POSTGRES: Final = frozenset({"postgres", "postgresql"})
_VALKEY: Final = frozenset({"redis", "rediss", "unix", "valkey", "valkeys"})

# Read where the settings are not there yet, or by who starts processes.
_READ_ELSEWHERE: Final = frozenset(
    {
        "TIERGATE_RUNTIME_DIR",
        "TIERGATE_EMBEDDED_DATABASE",
        "TIERGATE_EMBEDDED_VALKEY_DB",
        "TIERGATE_EMBEDDED_LINGER",
        "TIERGATE_TEST_SLOT",
        "TIERGATE_HOST",
        "TIERGATE_PORT",
        "TIERGATE_WORKERS",
        "TIERGATE_THREADS",
        "TIERGATE_PYTHON",
        "TIERGATE_IMAGE",
        "TIERGATE_DECIDE_WORKERS",
        "TIERGATE_APP_PASSWORD",
        "TIERGATE_SWEEP_PASSWORD",
        "TIERGATE_OWNER_PASSWORD",
        "TIERGATE_BACKUP_PASSWORD",
    }
)


class _Remembering(environ.Env):  # type: ignore[misc]  # django-environ carries no types
    """The environment, with the names that were asked for."""

    asked: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.asked = set()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        """Read a variable, and remember its name."""
        self.asked.add(var)
        return super().get_value(var, *args, **kwargs)


env = _Remembering()


def required(name: str, why: str) -> str:
    """Read a variable that production cannot do without."""
    found: str = env.str(name, default="")
    if not found:
        message = f"{name} is not set: {why}"
        raise ImproperlyConfigured(message)
    return found


def whole_number(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """Read a count, ``least`` or more, and ``most`` at the most."""
    text = env.str(name, default=str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        wanted = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ImproperlyConfigured(f"{name} is {text!r}, but must be a whole number, {wanted}.")
    return int(text)


def flag(name: str) -> bool:
    """Read a switch that is off unless it is turned on; anything unclear is refused."""
    text = env.str(name, default="0").lower()
    if text not in {"0", "1", "false", "true", "no", "yes", "off", "on", ""}:
        raise ImproperlyConfigured(f"{name} is {text!r}, but must be 1 or 0.")
    return text in {"1", "true", "yes", "on"}


def one_of(name: str, choices: tuple[str, ...], default: str) -> str:
    """Read one of a few words."""
    text: str = env.str(name, default="") or default
    if text not in choices:
        raise ImproperlyConfigured(f"{name} is {text!r}, but must be one of {', '.join(choices)}.")
    return text


def long_secret(name: str, default: str, *, least: int, why: str) -> str:
    """Read a secret of at least so many characters; "" where the default is, and nothing else is said."""
    text: str = env.str(name, default="") or default
    if text and len(text) < least:
        raise ImproperlyConfigured(f"{name} must be {least} random characters or more: {why}")
    return text


def own_directory(name: str) -> str:
    """Read a directory that files can be made in, and make it where only itself is missing."""
    text: str = env.str(name, default="")
    if text:
        try:
            Path(text).mkdir(exist_ok=True)
            is_usable = os.access(text, os.W_OK | os.X_OK)
        except OSError:
            is_usable = False
        if not is_usable:
            raise ImproperlyConfigured(f"{name} is {text!r}, which is no directory that can be written.")
    return text


def origin(name: str, text: str) -> str:
    """Check an address that begins links: scheme and host, and nothing behind them."""
    parts = _parts(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} is {text!r}, which names no host: it looks like https://access.example.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise ImproperlyConfigured(f"{name} is {text!r}, but must end with the host and its port.")
    return text.rstrip("/")


def passkey_origins(name: str, found: list[str], *, rp_id: str) -> list[str]:
    """Check the origins where passkeys may be shown: secure ones, each within the name that they are made for.

    Browsers leave the port out only where it is the scheme's own, so it is said as they say it (WebAuthn Level 3,
    section 5.1.3).
    """
    checked = [origin(name, one.strip()) for one in found if one.strip()]
    for one in checked:
        parts = urlsplit(one)
        host = str(parts.hostname)
        if host != rp_id and not host.endswith(f".{rp_id}"):
            raise ImproperlyConfigured(
                f"{name} does not fit: {one} is not within {rp_id}, the name that passkeys are made for."
            )
        if parts.scheme != "https" and host not in _LOCAL and not host.endswith(".localhost"):
            raise ImproperlyConfigured(
                f"{name} names {one}, which must begin with https://: elsewhere no browser shows a passkey."
            )
    return checked


def certificates(name: str) -> list[bytes]:
    """Read a directory of certificates, PEM files, and return each certificate as DER."""
    text: str = env.str(name, default="")
    if not text:
        return []
    try:
        files = sorted(one for one in Path(text).iterdir() if one.suffix in {".pem", ".crt"})
        found = [
            one.public_bytes(Encoding.DER) for file in files for one in load_pem_x509_certificates(file.read_bytes())
        ]
    except (OSError, ValueError):
        found = []
    if not found:
        raise ImproperlyConfigured(f"{name} is {text!r}, which is no directory of certificates in PEM files.")
    return found


def hosts(name: str) -> list[str]:
    """Read host names; one that would let every name in is refused."""
    found: list[str] = [host.strip() for host in env.list(name, default=[]) if host.strip()]
    if any("*" in host or "/" in host or host == "." for host in found):
        raise ImproperlyConfigured(f"{name} must be host names, comma-separated, without * and without https://.")
    return found


def postgres_url(name: str, text: str) -> str:
    """Check the address of a database and who connects to it; the sentence leaves out the address: a password is in it."""
    parts = _parts(text)
    is_one = (
        parts is not None
        and parts.scheme in _POSTGRES
        and bool(parts.username)
        and len(parts.path) > 1
        and bool(parts.hostname or parse_qs(parts.query).get("host") or parts.netloc.endswith("@"))
    )
    if not is_one:
        raise ImproperlyConfigured(f"{name} must look like postgresql://role:password@host:5432/database.")
    return text


def valkey_url(name: str, text: str) -> str:
    """Check the address of a Valkey or Redis, as above."""
    parts = _parts(text)
    if parts is None or parts.scheme not in _VALKEY or not (parts.hostname or parts.path):
        raise ImproperlyConfigured(f"{name} must look like redis://host:6379/0, rediss:// or unix://.")
    return text


def mailers(name: str, url: str) -> dict[str, Any]:
    """Read where mail is sent from ``smtp+tls://user:password@host:587``, ``smtps://`` or ``consolemail://``.

    :raises ImproperlyConfigured: it is no such address, or would send passwords in the clear.
    """
    if not url:
        return {}
    parts = _parts(url)
    scheme = parts.scheme if parts else ""
    if scheme == "consolemail":
        return {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
    if parts is None or scheme not in {"smtp", "smtp+tls", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} is no address such as smtp+tls://user:password@mail.example:587.")
    if scheme == "smtp" and parts.username:
        raise ImproperlyConfigured(
            f"{name} would send its password in the clear: begin it with smtp+tls:// or smtps://."
        )
    options = {
        "host": parts.hostname,
        "port": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": scheme == "smtp+tls",
        "use_ssl": scheme == "smtps",
        "timeout": 10,
    }
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


def keyring(name: str, text: str) -> dict[str, bytes]:
    """Read key ids and their AES keys: the first one seals and digests, all of them open."""
    if not text:
        raise ImproperlyConfigured(f"{name} must be set, to a JSON object of key ids and base64 keys of 32 bytes.")
    try:
        pairs = json.loads(text, object_pairs_hook=list)
        ring = [(key_id, base64.b64decode(key, validate=True)) for key_id, key in pairs]
    except (ValueError, AttributeError, TypeError, binascii.Error):
        ring = []
    if not ring or any(not isinstance(key_id, str) for key_id, _ in ring):
        raise ImproperlyConfigured(
            f"{name} must be a JSON object of key ids and base64 keys of 32 bytes, the one in use first: "
            "it seals the secrets of authenticators."
        )
    for key_id, key in ring:
        if not _KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(
                f"{name} names a key {key_id!r}: an id is 1 to 32 letters, digits, dots, _ or -."
            )
        if len(key) != _KEY_BYTES:
            raise ImproperlyConfigured(f"{name} holds {key_id!r} with {len(key)} bytes, but a key has 32.")
    if len({key_id for key_id, _ in ring}) < len(ring):
        raise ImproperlyConfigured(f"{name} names one key id twice: nobody could say which opens what.")
    if len({key for _, key in ring}) < len(ring):
        raise ImproperlyConfigured(f"{name} holds one key under two ids: a rotation to it would change nothing.")
    return dict(ring)


def key_of_32(name: str, text: str) -> bytes:
    """Read one key of 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ImproperlyConfigured(f"{name} must be a base64 key of {_KEY_BYTES} bytes.")
    return key


def distinct_roles(urls: Mapping[str, str], names: Mapping[str, str]) -> None:
    """Refuse one role under two names: the app's, the sweep's and the owner's rights must stay apart."""
    by_role: dict[str, str] = {}
    for alias, url in urls.items():
        role = urlsplit(url).username or ""
        if url and role in by_role:
            raise ImproperlyConfigured(
                f"{names[alias]} connects as {role!r}, and so does {names[by_role[role]]}: each is a role of its own."
            )
        if url:
            by_role[role] = alias


def same_role(name: str, url: str, other: str) -> None:
    """Check the address of a copy of a database: whoever reads there is bound as in the original."""
    postgres_url(name, url)
    if urlsplit(url).username != urlsplit(other).username:
        raise ImproperlyConfigured(f"{name} must connect as the same role as DATABASE_URL.")


def unknown_names(environment: Mapping[str, str]) -> dict[str, str]:
    """Find variables that look like ours and are read by nobody, each with the nearest name that is."""
    known = {name for name in env.asked | _READ_ELSEWHERE if name.startswith("TIERGATE_")}
    strange = sorted(name for name in environment if name.startswith("TIERGATE_") and name not in known)
    return {name: next(iter(difflib.get_close_matches(name, known, n=1)), "") for name in strange}


def _parts(text: str) -> SplitResult | None:
    try:
        found = urlsplit(text)
        found.port  # noqa: B018 - raises where it is no port
    except ValueError:
        return None
    return found
