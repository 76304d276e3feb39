"""Running the tour: a demo of its own on a database of its own, so that what was done before does not matter."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from config.demo.errors import DemoError
from config.demo.launcher import forget, running
from config.demo.ports import free_ports
from config.demo.tour import deploying, looking, passkeys, ruling, steps, tiers
from config.demo.tour.guide import Guide
from config.demo.tour.teller import Surprise, Teller
from config.embedded import is_embedded, roles
from config.embedded.paths import place
from config.embedded.processes import is_running

_PREFIX: Final = "tiergate_tour_"
_VALKEY_DATABASE: Final = 255
_CHAPTERS: Final = (
    tiers.basic_and_premium,
    passkeys.a_passkey,
    steps.regulated_export,
    steps.asserted_session,
    steps.one_payment,
    looking.a_new_device,
    deploying.deployment,
    ruling.a_rule,
    ruling.another_bundle,
    tiers.strangers,
    tiers.malformed,
)


def tour(say: Callable[[str], None], *, is_colourful: bool) -> int:
    """Start a demo, tell and check the tour, end the demo; returns the exit code: 0, or 1 after a surprise.

    :raises DemoError: the demo cannot run.
    """
    began = time.monotonic()
    # The teller shows each call itself.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    web_port, decide_port, stripe_port = free_ports(3)
    with (
        _fresh_database(),
        running(web_port=web_port, decide_port=decide_port, stripe_port=stripe_port, say=say) as demo,
    ):
        # A proxy named by the environment has no part in talking to this machine.
        with httpx.Client(timeout=20, trust_env=False) as client:
            teller = Teller(client, say, is_colourful)
            try:
                for chapter in _CHAPTERS:
                    chapter(Guide(demo, teller))
            except Surprise as surprise:
                say(f"\nThe tour ends at its first surprise. {surprise}\nThe processes wrote to {demo.logs}.")
                return 1
            except (httpx.HTTPError, KeyError, IndexError, TypeError) as error:
                demo.refuse_dead()
                say(f"\nThe tour ends at its first surprise. call {teller.calls}: {type(error).__name__}: {error}")
                return 1
        say(f"\nAll {teller.calls} calls were answered as promised, in {time.monotonic() - began:.0f} seconds in all.")
    # After a surprise the logs stay, to be read.
    forget(f"{_PREFIX}{os.getpid()}")
    return 0


@contextmanager
def _fresh_database() -> Iterator[None]:
    """Use a database and names of this tour's own, and drop them afterwards."""
    name = f"{_PREFIX}{os.getpid()}"
    ours = {
        "TIERGATE_EMBEDDED_DATABASE": name,
        "TIERGATE_EMBEDDED_VALKEY_DB": str(_VALKEY_DATABASE),
        "TIERGATE_VALKEY_PREFIX": name,
    }
    if not is_embedded():
        raise DemoError("The tour runs on services of its own alone: unset DATABASE_URL and REDIS_URL.")
    before = {key: os.environ.get(key) for key in ours}
    with roles.superuser_connection() as server:
        known = {str(row[0]) for row in server.execute("SELECT datname FROM pg_database")}
        for old in known | {path.stem for path in (place().keep / "demo").glob(f"{_PREFIX}*.lock")}:
            if _is_left_over(old):
                roles.drop_database(server, old)
                forget(old)
        roles.ensure_database(server, name)
    os.environ.update(ours)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        with roles.superuser_connection() as server:
            roles.drop_database(server, name)


def _is_left_over(database: str) -> bool:
    found = re.fullmatch(rf"{_PREFIX}(\d+)(_new)?", database)
    return found is not None and not is_running(int(found[1]), argument="demo")
