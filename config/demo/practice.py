"""The demo's Stripe: one of its own, unless a key names an account at the real one."""

from collections.abc import Mapping
from pathlib import Path

from config.demo.answers import status_of
from config.demo.ports import HOST
from config.embedded.paths import database_name, place

NAME = "stripe"
_OK = 200
_SENDERS = 2


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Say whether the demo brings its own: a key of one's own is for an account of one's own."""
    return not environment.get("STRIPE_API_KEY")


def settings_for(port: int) -> dict[str, str]:
    """Write what the product has to be told to speak to it."""
    from config.fake_stripe.server import KEY, SECRET  # noqa: PLC0415 - a demo with a key has no use for it

    return {
        "STRIPE_API_KEY": KEY,
        "STRIPE_WEBHOOK_SECRETS": SECRET,
        "STRIPE_API_BASE": f"http://{HOST}:{port}",
    }


def command(port: int, web_port: int) -> list[str]:
    """Write how it is started."""
    return [
        *("-m", "config.fake_stripe", "--port", str(port), "--senders", str(_SENDERS)),
        *("--webhook-url", f"http://localhost:{web_port}/billing/stripe/webhook"),
        *("--state-file", str(state_of(database_name()))),
    ]


def is_answering(port: int) -> bool:
    """Ask whether it is up."""
    return status_of("GET", port, "/_state") == _OK


def state_of(database: str) -> Path:
    """Say where it remembers what was bought: as long as the demo's own database does."""
    return place().keep / "demo" / f"{database}-stripe.json"
