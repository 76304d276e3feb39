"""`manage.py demo`: the whole product here, with its databases; `--tour` shows it and checks every answer."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.errors import DemoError, Stopped
from config.demo.launcher import running
from config.demo.welcome import welcome
from config.embedded import EmbeddedError

_PORT = 8000
_BROKEN_OFF = 130


class Command(BaseCommand):
    """Run the demo until Ctrl-C, or the scripted tour."""

    help = "Run the whole product here, with its databases; Ctrl-C ends all of it."
    # Nothing of this process serves anybody; the processes that do check themselves.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the ports and the tour."""
        parser.add_argument("--port", type=int, default=_PORT, help="of pages and the API; 8000 unless given")
        parser.add_argument("--decide-port", type=int, default=None, help="of decisions; the next one unless given")
        parser.add_argument(
            "--stripe-port", type=int, default=None, help="of its own Stripe; the next one unless given"
        )
        parser.add_argument("--tour", action="store_true", help="run the scripted tour on free ports, then end")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run it.

        :raises CommandError: in a sentence, when it cannot run or a process of it dies.
        """
        try:
            if options["tour"]:
                from config.demo.tour import tour  # noqa: PLC0415 - stands on what development alone installs

                sys.exit(tour(self._say, is_colourful=self.stdout.isatty()))
            decide_port = options["decide_port"] or options["port"] + 1
            self._demo(options["port"], decide_port, options["stripe_port"] or decide_port + 1)
        except Stopped:
            self._say("\nEnded.")
            if options["tour"]:
                # A tour that was broken off has shown nothing.
                sys.exit(_BROKEN_OFF)
        except (DemoError, EmbeddedError) as error:
            raise CommandError(str(error)) from error

    def _demo(self, web_port: int, decide_port: int, stripe_port: int) -> None:
        ports = {"web_port": web_port, "decide_port": decide_port, "stripe_port": stripe_port}
        with running(**ports, say=self._say, has_past=True) as demo:
            self._say(welcome(demo))
            demo.wait()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
