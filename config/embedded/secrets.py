"""The secrets of a demo: made once for this checkout, readable by its user alone."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from config.embedded.paths import place
from config.embedded.private import lay_out


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a production gets from its environment.

    key: signs cookies.
    keyring: key ids to base64 AES keys of 32 bytes, as JSON.
    """

    key: str
    keyring: str


def development_secrets() -> Secrets:
    """Read this checkout's secrets, making them the first time.

    :raises EmbeddedError: when the directory for them belongs to somebody else.
    """
    return Secrets(
        **json.loads(
            _made_once(
                "secrets.json",
                lambda: json.dumps(
                    {
                        "key": secrets.token_urlsafe(50),
                        "keyring": json.dumps({"dev-1": base64.b64encode(secrets.token_bytes(32)).decode()}),
                    }
                ),
            )
        )
    )


def development_seal_key() -> str:
    """Read the key that this checkout's trail is sealed with, in base64, making it the first time.

    :raises EmbeddedError: as for the other secrets.
    """
    return _made_once("seal-key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())


def _made_once(name: str, make: Callable[[], str]) -> str:
    here = place()
    path = here.keep / name
    if not path.exists():
        lay_out(here)
        growing = path.with_name(f"{name}.{os.getpid()}.new")
        descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        # A link never replaces: of two processes that start at once, the first one's secrets stay.
        try:
            path.hardlink_to(growing)
        except FileExistsError:
            pass
        finally:
            growing.unlink()
    return path.read_text()
