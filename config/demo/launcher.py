"""Bring the whole product up, look whether it answers, and end all of it."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from celery import Celery

from config.demo import practice
from config.demo.answers import status_of
from config.demo.children import Child, bound_to_us, end_all, end_left_over, start
from config.demo.errors import DemoError, Stopped
from config.demo.ports import HOST, refuse_occupied
from config.embedded import is_embedded
from config.embedded.paths import CHECKOUT, Place, database_name, place, valkey_database
from config.embedded.processes import wait_until

# A machine that has other things to do; a process that died is told of at once.
_READY_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo that runs.

    stripe_port: of the Stripe that it brings; None where a key names an account elsewhere. credentials: by tenant, in
    clear. sessions: handles by the person's name. environment: of its processes.
    """

    web_port: int
    decide_port: int
    stripe_port: int | None
    credentials: Mapping[str, str]
    sessions: Mapping[str, str]
    logs: Path
    environment: Mapping[str, str] = field(repr=False)
    children: list[Child] = field(default_factory=list)

    @property
    def web(self) -> str:
        """Where pages and the API are."""
        return f"http://localhost:{self.web_port}"

    @property
    def decide(self) -> str:
        """Where decisions are asked for."""
        return f"http://localhost:{self.decide_port}"

    @property
    def stripe(self) -> str | None:
        """Where its own Stripe is, if it has one."""
        return None if self.stripe_port is None else f"http://{HOST}:{self.stripe_port}"

    def manage(self, *arguments: str, given: str = "") -> str:
        """Run one of its commands (``manage.py …``) to its end, and return what it prints.

        given: what it reads on standard input.
        :raises DemoError: it ends with another code than 0.
        """
        done = subprocess.run(
            bound_to_us(["manage.py", *arguments]),
            cwd=CHECKOUT,
            env=dict(self.environment),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            process_group=0,
        )
        if done.returncode:
            raise DemoError(f"manage.py {arguments[0]} failed:\n{done.stderr.strip()}")
        return done.stdout

    def refuse_dead(self) -> None:
        """Make sure that every process lives.

        :raises DemoError: one ended, with its last words.
        """
        for child in self.children:
            child.refuse_dead()

    def wait(self) -> NoReturn:
        """Wait for somebody to stop the demo.

        :raises Stopped: somebody did.
        :raises DemoError: a process ended by itself.
        """
        while True:
            # Also wakes for the watcher of the embedded services, which may end.
            pid, status = os.wait()
            for child in self.children:
                if child.process.pid == pid:
                    child.process.returncode = os.waitstatus_to_exitcode(status)
            self.refuse_dead()


@contextmanager
def running(
    *, web_port: int, decide_port: int, stripe_port: int, say: Callable[[str], None], has_past: bool = False
) -> Iterator[Demo]:
    """Run the demo for as long as the block does; however it ends, every process ends with it.

    has_past: people have signed in for a month, to be looked at.

    :raises DemoError: it cannot run here, or one of its processes ended.
    """
    if not is_embedded():
        raise DemoError(
            "The demo makes people with public passwords, so it runs on services of its own alone: "
            "unset DATABASE_URL and REDIS_URL."
        )
    keep = place().keep
    with stoppable(), _only_demo(keep):
        record = keep / "demo" / f"{database_name()}.json"
        end_left_over(_recorded(record))
        refuse_occupied(web_port, what="pages and the API")
        refuse_occupied(decide_port, what="decisions")
        environment = _environment(web_port)
        own_stripe = stripe_port if practice.is_wanted(environment) else None
        if own_stripe is not None:
            refuse_occupied(own_stripe, what="its own Stripe")
            environment |= practice.settings_for(own_stripe)
        logs = keep / "demo" / f"{database_name()}-logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        children: list[Child] = []

        def begin(name: str, command: list[str]) -> Child:
            told = {**environment, "TIERGATE_PROCESS": name}
            children.append(start(name, command, environment=told, log=logs / f"{name}.log"))
            record.write_text(json.dumps([child.process.pid for child in children]))
            return children[-1]

        try:
            if own_stripe is not None:
                # What is sold is made known to it while the database is prepared.
                _wait_until_up(begin(practice.NAME, practice.command(own_stripe, web_port)), own_stripe)
            say("Preparing the database ...")
            made = _prepare(environment, has_past=has_past)
            demo = Demo(
                web_port=web_port,
                decide_port=decide_port,
                stripe_port=own_stripe,
                logs=logs,
                environment=environment,
                children=children,
                **made,
            )
            say("Starting web, decide, worker and beat ...")
            for name, command in _commands(web_port, decide_port).items():
                begin(name, command)
            _wait_until_ready(demo)
            yield demo
        finally:
            with _undisturbed():
                end_all(children)
                record.unlink(missing_ok=True)


def forget(database: str) -> None:
    """Remove the logs and the lock of a demo whose database is dropped."""
    here = place().keep / "demo"
    shutil.rmtree(here / f"{database}-logs", ignore_errors=True)
    for suffix in (".lock", ".json"):
        (here / f"{database}{suffix}").unlink(missing_ok=True)
    practice.state_of(database).unlink(missing_ok=True)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the signals that ask a program to end into ``Stopped``."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no further signal break off the clearing up."""
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _only_demo(keep: Path) -> Iterator[None]:
    """Be the one demo on this database."""
    (keep / "demo").mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(keep / "demo" / f"{database_name()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DemoError("A demo of this checkout is running already: end it with Ctrl-C where it runs.") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _recorded(record: Path) -> list[int]:
    with suppress(OSError, ValueError):
        return [int(group) for group in json.loads(record.read_text())]
    return []


def _environment(web_port: int) -> dict[str, str]:
    return {
        "TIERGATE_ENVIRONMENT": "production",
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "TIERGATE_DEMO": "1",
        "TIERGATE_BASE_URL": f"http://localhost:{web_port}",
    }


def _commands(web_port: int, decide_port: int) -> dict[str, list[str]]:
    def granian(port: int, threads: int) -> list[str]:
        return [
            *("-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port)),
            *("--workers", "1", "--blocking-threads", str(threads), "--no-ws", "config.wsgi:application"),
        ]

    return {
        "web": granian(web_port, 4),
        # Most of them wait for bodies that come slowly; the server makes as many as it needs.
        "decide": granian(decide_port, 256),
        "worker": ["-m", "celery", "-A", "config", "worker", "--concurrency", "1", "--loglevel", "INFO"],
        # Its schedule is in the code: it has nothing to keep on disk.
        "beat": ["-m", "celery", "-A", "config", "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile="],
    }


def _prepare(environment: Mapping[str, str], *, has_past: bool) -> dict[str, Any]:
    done = subprocess.run(
        bound_to_us(["-m", "config.demo.prepare", *(["--past"] if has_past else [])]),
        cwd=CHECKOUT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        process_group=0,
    )
    if done.returncode:
        raise DemoError(f"The demo's database could not be prepared:\n{done.stderr.strip()}")
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def _wait_until_up(stripe: Child, port: int) -> None:
    def is_settled() -> bool:
        stripe.refuse_dead()
        return practice.is_answering(port)

    if not wait_until(is_settled, seconds=_READY_SECONDS):
        raise DemoError(
            f"The demo's own Stripe does not answer after {_READY_SECONDS:.0f} seconds:\n{stripe.last_words()}"
        )


def _wait_until_ready(demo: Demo) -> None:
    question = {
        "subject": {"type": "account", "id": "bob"},
        "action": {"name": "reports.read"},
        "resource": {"type": "report", "id": "all"},
        "context": {"session": demo.sessions["bob"]},
    }
    by_acme = {"Authorization": f"Bearer {demo.credentials['acme']}"}
    worker = _worker_probe(place())
    answers: dict[str, Callable[[], bool]] = {
        "web": lambda: status_of("GET", demo.web_port, "/sign-in") == 200,  # noqa: PLR2004 - HTTP's own number
        "decide": lambda: (
            status_of("POST", demo.decide_port, "/access/v1/evaluation", body=question, headers=by_acme) == 200  # noqa: PLR2004 - as above
        ),
        "worker": lambda: bool(worker.control.ping(timeout=0.5)),
    }
    for name, is_ready in answers.items():

        def is_settled(is_ready: Callable[[], bool] = is_ready) -> bool:
            demo.refuse_dead()
            return is_ready()

        if not wait_until(is_settled, seconds=_READY_SECONDS):
            said = next(child.last_words() for child in demo.children if child.name == name)
            raise DemoError(f"The demo's {name} process does not answer after {_READY_SECONDS:.0f} seconds:\n{said}")


def _worker_probe(here: Place) -> Celery:
    """Make a client of the demo's own broker, whatever this process's settings say."""
    client = Celery(
        "demo",
        broker=f"redis+socket://{here.valkey_socket}?virtual_host={valkey_database()}",
        set_as_current=False,
    )
    prefix = os.environ.get("TIERGATE_VALKEY_PREFIX") or "tiergate"
    client.conf.broker_transport_options = {"global_keyprefix": f"{prefix}:celery:"}
    return client
