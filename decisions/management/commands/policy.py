"""Rules kept as files: check, try and prove them, and have them decide."""

import sys
from argparse import REMAINDER, ArgumentParser
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TextIO

from django.core.management.base import BaseCommand

from decisions.policy import acting, commands
from tiergate.policy.command import DESCRIPTION, VERBS
from tiergate.policy.verbs import Verb, run


def verbs_on(out: TextIO, err: TextIO) -> Iterator[Verb]:
    """List what can be done with a folder, and with this server's own database: a module of `commands` each.

    A module has ``HELP``, a sentence without a capital or a full stop; ``add_arguments(parser)``, where ``--json`` is
    there already; and ``run(given, out, err)``, which gives the code to exit with.
    """
    yield from (*VERBS, *acting.VERBS)
    for found in iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{found.name}")
        yield Verb(found.name.replace("_", "-"), module.HELP, partial(_run, module, out, err), module.add_arguments)


def _run(module: Any, out: TextIO, err: TextIO, given: Any, _report: object) -> int:
    code: int = module.run(given, out, err)
    return code


class Command(BaseCommand):
    """What `tiergate policy` does with a folder, and besides what acts on the database of this server."""

    help = DESCRIPTION
    requires_system_checks = ()  # it serves nothing, and is run to mend what serves

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a verb and what it needs, which the verb reads itself."""
        parser.add_argument("arguments", nargs=REMAINDER, metavar="verb", help="see: manage.py policy verb --help")

    def handle(self, *args: object, arguments: list[str], **options: object) -> None:  # noqa: ARG002 - Django's own
        """Find the verb, run it, and exit with its code unless all is well."""
        out, err = self.stdout, self.stderr
        verbs = tuple(verbs_on(out, err))  # type: ignore[arg-type]  # what Django wraps is written to like a file
        code = run(
            verbs,
            arguments or ["--help"],
            out,  # type: ignore[arg-type]  # as above
            err,  # type: ignore[arg-type]  # as above
            description=DESCRIPTION,
            prog="manage.py policy",
        )
        if code:
            sys.exit(code)
