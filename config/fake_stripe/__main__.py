"""`python -m config.fake_stripe --port 12111 --webhook-url http://127.0.0.1:8000/billing/stripe/webhook`."""

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from config.fake_stripe.http_server import HOST
from config.fake_stripe.server import KEY, SECRET, FakeStripe
from config.fake_stripe.wire import Refusal

_PORT = 12111


def main(arguments: list[str]) -> int:
    """Run the fake until somebody asks it to end; the exit code is 2 where it was told wrongly."""
    told = _parser().parse_args(arguments)
    if told.host != HOST:
        return _refuse(f"The fake listens on {HOST} alone: it takes payments from anybody.")
    for url in [told.webhook_url] if told.webhook_url else []:
        if urlsplit(url).hostname not in {HOST, "localhost"}:
            return _refuse(f"The fake sends its webhooks to this machine alone, not to {url}.")
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    try:
        fake = FakeStripe(
            port=told.port,
            webhook_url=told.webhook_url,
            webhook_secrets=tuple(told.webhook_secret or [SECRET]),
            payload=told.payload,
            key=told.key,
            seed=told.seed,
            at=None if told.at is None else datetime.fromisoformat(told.at).astimezone(UTC),
            senders=told.senders,
            state_file=told.state_file,
        )
    except (OSError, Refusal) as error:
        return _refuse(str(error))
    with fake:
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        over.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m config.fake_stripe", description="A Stripe of one's own.")
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=_PORT)
    parser.add_argument("--webhook-url")
    parser.add_argument("--webhook-secret", action="append", help="each signs; say it twice while a secret rolls")
    parser.add_argument("--payload", choices=("snapshot", "thin", "both"), default="snapshot")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at", help="where its clock stands still, such as 2026-03-01T00:00:00+00:00")
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--state-file", type=Path, help="what it remembers over a restart")
    return parser


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
