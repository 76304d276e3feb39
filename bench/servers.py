"""The servers that are measured, each in a process group of its own that ends with the bench."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cerbos
from bench.asking import ask
from bench.catalogue_large import ACTIONS_OF_A_KIND, Class
from bench.load import write_requests
from bench.questions import Prepared, cerbos_refusals, cerboses, our_refusals, ours
from bench.seed_large import Person
from config.demo.children import Child, bound_to_us, end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded.paths import CHECKOUT
from config.embedded.processes import wait_until
from deploy.commands import command_of

OUR_PATH = "/access/v1/evaluation"
# What takes routine records to the trail, and seals it, while decisions are made.
BESIDE = ("worker", "beat")
WORKERS = (1, 2)
LOOKS = "ours-1-looks"
"""One worker that is told, with each question, how the request looks."""
CERBOS_RULES = (20, 200)
_READY_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server that answers the questions.

    is_ours: it writes records, which are looked for. prepared: the requests by class; requests: the same as wrk reads
    them. refusals: what it must not allow.
    """

    key: str
    title: str
    is_ours: bool
    port: int
    path: str
    prepared: Mapping[Class, Sequence[Prepared]]
    requests: Mapping[Class, Path]
    mixed: Path
    refusals: Sequence[Prepared]

    def list_wrong(self, *, step: int) -> list[tuple[str, str]]:
        """Ask every ``step``-th question, and what must be refused; list the wanted and the wrong answers."""
        asked = [one for each in self.prepared.values() for one in each[::step]] + list(self.refusals)
        answers = ((one.want, ask(self.port, self.path, one)) for one in asked)
        return [(want, said) for want, said in answers if want != said]


@dataclass(frozen=True, slots=True)
class Serving:
    """What runs."""

    contestants: Sequence[Contestant]
    children: Sequence[Child]

    def roots(self) -> dict[str, int]:
        """Name the processes that lead the groups."""
        return {child.name: child.process.pid for child in self.children}


def decide_command(environment: Mapping[str, str]) -> list[str]:
    """Write how a decide server is started: as in production."""
    return command_of("decide", environment)


@contextmanager
def serving(
    people: Sequence[Person], *, only: Collection[str], cache: Path, say: Callable[[str], None]
) -> Iterator[Serving]:
    """Run every server that can run here, until the block ends; all of them answer when it begins."""
    with tempfile.TemporaryDirectory() as made:
        site = Path(made)
        children: list[Child] = []
        try:
            contestants = [_start_ours(count, people, site, children) for count in WORKERS if f"ours-{count}" in only]
            if LOOKS in only:
                contestants.append(_start_ours(1, people, site, children, looks=True))
            for name in BESIDE:
                environment = _environment(name, site)
                log = site / f"{name}.log"
                children.append(start(name, command_of(name, environment), environment=environment, log=log))
            rules = [count for count in CERBOS_RULES if f"cerbos-{count}" in only]
            try:
                contestants += [_start_cerbos(cerbos.fetch(cache), count, people, site, children) for count in rules]
            except cerbos.CerbosMissing as error:
                say(f"Without Cerbos: {error}")
            for one in contestants:
                _wait_for(one, children)
            yield Serving(contestants, children)
            for child in children:
                child.refuse_dead()
        finally:
            end_all(children)


def _start_ours(
    workers: int, people: Sequence[Person], site: Path, children: list[Child], *, looks: bool = False
) -> Contestant:
    (port,) = free_ports(1)
    key = LOOKS if looks else f"ours-{workers}"
    environment = _environment("decide", site / key) | {"TIERGATE_PORT": str(port), "TIERGATE_WORKERS": str(workers)}
    children.append(start(key, decide_command(environment), environment=environment, log=site / f"{key}.log"))
    return _contestant(
        key,
        f"Tiergate, {workers} worker{'s' * (workers > 1)}{', looks' * looks}",
        (port, OUR_PATH),
        {of: ours(people, of, looks=looks) for of in Class},
        our_refusals(people),
        site,
    )


def _start_cerbos(program: Path, rules: int, people: Sequence[Person], site: Path, children: list[Child]) -> Contestant:
    port, grpc_port = free_ports(2)
    key = f"cerbos-{rules}"
    kinds = rules // ACTIONS_OF_A_KIND
    arguments = cerbos.write_site(site / key, port=port, grpc_port=grpc_port, host=HOST, kinds=kinds)
    log = site / f"{key}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*bound_to_us([])[:-1], str(program), *arguments],
            cwd=CHECKOUT,
            env=cerbos.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    children.append(Child(key, process, log))
    return _contestant(
        key,
        f"Cerbos, {rules} rules",
        (port, cerbos.PATH),
        {of: cerboses(people, of, kinds=kinds) for of in Class},
        cerbos_refusals(people, kinds=kinds),
        site,
    )


def _contestant(
    key: str,
    title: str,
    address: tuple[int, str],
    prepared: Mapping[Class, Sequence[Prepared]],
    refusals: Sequence[Prepared],
    site: Path,
) -> Contestant:
    in_turn = [one for together in zip(*prepared.values(), strict=True) for one in together]
    return Contestant(
        key=key,
        title=title,
        is_ours=key.startswith("ours"),
        port=address[0],
        path=address[1],
        prepared=prepared,
        requests={of: write_requests(site / f"{key}-{of}.tsv", each) for of, each in prepared.items()},
        mixed=write_requests(site / f"{key}-mixed.tsv", in_turn),
        refusals=refusals,
    )


def _wait_for(one: Contestant, children: Sequence[Child]) -> None:
    first = one.prepared[Class.ROUTINE][0]

    def is_ready() -> bool:
        for child in children:
            child.refuse_dead()
        return ask(one.port, one.path, first) == first.want

    if not wait_until(is_ready, seconds=_READY_SECONDS):
        said = next(child.last_words() for child in children if child.name == one.key)
        sys.exit(f"{one.title} does not answer as it should; it says {ask(one.port, one.path, first)!r}.\n{said}")


def _environment(process: str, own: Path) -> dict[str, str]:
    figures = own / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "TIERGATE_PROCESS": process,
        "TIERGATE_HOST": HOST,
        # As a server with several workers has it, so that what it costs is in the figures.
        "PROMETHEUS_MULTIPROC_DIR": str(figures),
    }
