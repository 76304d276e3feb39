"""Several decide processes on one database, as a cluster has them, with Valkey behind a link that can be cut."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.link import Link
from bench.probes import Probe, ask
from config.demo.children import Child, end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded import paths
from config.embedded.processes import wait_until
from config.embedded.secrets import development_secrets
from deploy.commands import command_of

_READY_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciders:
    """What runs. ports: one of each process."""

    ports: tuple[int, ...]
    children: tuple[Child, ...]
    link: Link

    def refuse_dead(self) -> None:
        """Make sure that all of them live.

        :raises DemoError: one does not.
        """
        for child in self.children:
            child.refuse_dead()


@contextmanager
def deciding(count: int, *, more: Mapping[str, str] | None = None) -> Iterator[Deciders]:
    """Run decide processes with production's settings on this run's database, until the block ends.

    more: settings beside what they need.
    """
    link = Link(str(paths.place().valkey_socket))
    children: list[Child] = []
    with tempfile.TemporaryDirectory() as made:
        try:
            ports = free_ports(count)
            for number, port in enumerate(ports):
                children.append(
                    start(
                        f"decide-{number}",
                        command_of(
                            "decide", {"TIERGATE_HOST": HOST, "TIERGATE_PORT": str(port), "TIERGATE_WORKERS": "1"}
                        ),
                        environment={**_environment(link), **(more or {})},
                        log=Path(made) / f"decide-{number}.log",
                    )
                )
            running = Deciders(ports=tuple(ports), children=tuple(children), link=link)
            if not wait_until(lambda: all(_is_ready(running, port) for port in ports), seconds=_READY_SECONDS):
                raise RuntimeError("\n".join(child.last_words() for child in children))
            yield running
        finally:
            end_all(children)
            link.end()


def _is_ready(running: Deciders, port: int) -> bool:
    running.refuse_dead()
    try:
        return ask(port, Probe(method="GET", path="/readyz")).status == 200  # noqa: PLR2004 - HTTP's own number
    except OSError:
        return False


def _environment(link: Link) -> dict[str, str]:
    secrets = development_secrets()
    left_out = ("TIERGATE_TESTING", "TIERGATE_DEMO", "TIERGATE_EMBEDDED_DATABASE", "TIERGATE_EMBEDDED_VALKEY_DB")
    return {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": paths.database_url(paths.APP),
        "REDIS_URL": f"redis://{HOST}:{link.port}/{paths.valkey_database()}",
        "TIERGATE_BASE_URL": "https://localhost",
        "TIERGATE_ALLOWED_HOSTS": HOST,
        "TIERGATE_SECRET_KEY": secrets.key,
        "TIERGATE_KEYRING": secrets.keyring,
        "TIERGATE_PROCESS": "decide",
        "TIERGATE_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }
