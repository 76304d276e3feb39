"""The secrets of a demo: made once for this checkout, readable by its user alone."""

import base64
import json
import os
import secrets
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
    here = place()
    path = here.keep / "secrets.json"
    if not path.exists():
        lay_out(here)
        fresh = {
            "key": secrets.token_urlsafe(50),
            "keyring": json.dumps({"dev-1": base64.b64encode(secrets.token_bytes(32)).decode()}),
        }
        growing = path.with_name(f"secrets.{os.getpid()}.new")
        descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(fresh, file)
        # A link never replaces: of two processes that start at once, the first one's secrets stay.
        try:
            path.hardlink_to(growing)
        except FileExistsError:
            pass
        finally:
            growing.unlink()
    return Secrets(**json.loads(path.read_text()))
