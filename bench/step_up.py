"""How long does a person wait for the answer to their code? ``python -m bench.step_up``.

A web server as in production, with every commit waiting for the disk. In each round fifty people, each with a phone of
their own, have a challenge open for a payment of their own; then each shows a right code once. Measured is the time of
``POST …/verify`` alone, from the request's first byte to the answer's last: the person is not in it.

*spread*: the fifty answer one after another, so many a second, as people do. *at once*: all fifty in the same moment,
which is as many seconds of work as fifty take, shared by the cores. Every challenge must be passed and every payment
then allowed once; else it exits with 1.
"""

import argparse
import os
import secrets
import sys
import tempfile
import threading
import time
from base64 import b32encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyotp

from bench.changes import Site
from bench.ground import durable, own_services
from bench.probes import Connection, Probe, ask
from bench.seed_large import close_connections
from config.demo.children import Child, end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded import paths
from config.embedded.processes import wait_until
from config.embedded.secrets import development_secrets
from deploy.commands import command_of
from tiergate import ActionSpec, Level, Requirement, Scope, Verb

PARALLEL: Final = 50
TARGET_MS: Final = 50.0
_READY_SECONDS: Final = 60
_BY: Final = "bench"
_OK: Final = 200
_MODES: Final = ("spread", "at once")


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody with a phone. question: their payment."""

    secret: str
    question: dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; whatever was started is ended."""
    asked = _read(arguments)
    with own_services() as cache:
        _set_up()
        site = _put_site()
        people = iter([_put_person(site, number) for number in range(PARALLEL * (asked.rounds * len(_MODES) + 1))])
        try:
            with durable(cache) as ground, _serving(asked.workers) as port:
                _round(port, site, [next(people) for _ in range(PARALLEL)], every=0.02)
                found: dict[str, list[float]] = {mode: [] for mode in _MODES}
                for _ in range(asked.rounds):
                    for mode in _MODES:
                        every = 1 / asked.rate if mode == "spread" else 0.0
                        found[mode] += _round(port, site, [next(people) for _ in range(PARALLEL)], every=every)
        finally:
            close_connections()
    _say(f"PostgreSQL {ground.settings['server_version']}, fsync {ground.settings['fsync']}, an fdatasync of 8 kB")
    _say(f"  {ground.fdatasync[0]:.0f} µs (p99 {ground.fdatasync[1]:.0f}); {asked.workers} workers")
    _say(f"  {'verify, ms':12}{'answers':>9}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}")
    for mode, took in found.items():
        shares = "".join(f"{_percentile(took, share):8.1f}" for share in (0.5, 0.95, 0.99, 1.0))
        _say(f"  {mode:12}{len(took):9}{shares}")
    is_met = _percentile(found["spread"], 0.99) < TARGET_MS
    _say(f"the target, a p99 below {TARGET_MS:.0f} ms with fifty challenges open, is {'' if is_met else 'not '}met")
    return 0


def _round(port: int, site: Site, people: Sequence[_Person], *, every: float) -> list[float]:
    """Open a challenge for each, have all of them answered, and return how many milliseconds each answer took.

    every: seconds between one's answer and the next one's; 0: all at once.
    """
    challenges = [_opened(port, site, person) for person in people]
    took: list[float] = []
    barrier = threading.Barrier(len(people))

    def answer(number: int) -> None:
        path = f"/step-up/challenges/{challenges[number]}/verify"
        code = pyotp.TOTP(people[number].secret).now()
        request = Probe(path=path, secret=site.secret, document={"method": "totp", "code": code}).as_bytes()
        with Connection(port, timeout=30.0) as connection:
            barrier.wait()
            # The person's own time, which is not measured.
            threading.Event().wait(number * every)
            began = time.perf_counter()
            reply = connection.ask(request)
            took.append((time.perf_counter() - began) * 1000)
        if reply.status != _OK or reply.document["state"] != "passed":
            os.write(2, reply.content + b"\n")

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(len(people))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for person in people:
        answers = [_asked(port, site, person.question)["decision"] for _ in range(2)]
        if answers != [True, False]:
            raise SystemExit(f"A payment that was confirmed once was answered {answers}.")
    return took


def _opened(port: int, site: Site, person: _Person) -> str:
    refused = _asked(port, site, person.question)
    document = {"decision_id": refused["context"]["challenge"]["decision_id"]}
    opened = ask(port, Probe(path="/step-up/challenges", secret=site.secret, document=document))
    return str(opened.document["challenge_id"])


def _asked(port: int, site: Site, question: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = ask(port, Probe(secret=site.secret, document=question)).document
    return answer


@contextmanager
def _serving(workers: int) -> Iterator[int]:
    """Run a web server with production's settings until the block ends, and give its port."""
    (port,) = free_ports(1)
    kept = development_secrets()
    children: list[Child] = []
    left_out = ("TIERGATE_TESTING", "TIERGATE_DEMO", "TIERGATE_EMBEDDED_DATABASE", "TIERGATE_EMBEDDED_VALKEY_DB")
    settings = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "DATABASE_URL": paths.database_url(paths.APP),
        "REDIS_URL": f"unix://{paths.place().valkey_socket}?db={paths.valkey_database()}",
        "TIERGATE_BASE_URL": "https://localhost",
        "TIERGATE_ALLOWED_HOSTS": HOST,
        "TIERGATE_SECRET_KEY": kept.key,
        "TIERGATE_KEYRING": kept.keyring,
        "TIERGATE_PROCESS": "web",
        "PYTHONUNBUFFERED": "1",
    }
    with tempfile.TemporaryDirectory() as made:
        try:
            command = command_of(
                "web", {"TIERGATE_HOST": HOST, "TIERGATE_PORT": str(port), "TIERGATE_WORKERS": str(workers)}
            )
            children.append(start("web", command, environment=settings, log=Path(made) / "web.log"))
            if not wait_until(lambda: _is_ready(children[0], port), seconds=_READY_SECONDS):
                raise RuntimeError(children[0].last_words())
            yield port
        finally:
            end_all(children)


def _is_ready(child: Child, port: int) -> bool:
    child.refuse_dead()
    try:
        return ask(port, Probe(method="GET", path="/readyz")).status == _OK
    except OSError:
        return False


def _set_up() -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)


def _put_site() -> Site:
    """Sell payments that are each confirmed by themselves, to a tenant with a product of its own."""
    from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    once = Requirement(level=Level.AAL2, max_age=300, scope=Scope.TRANSACTION)
    with licensing.edit_catalogue(by=_BY, at=now()) as edit:
        edit.put_action(
            ActionSpec(
                name="payments.approve",
                resource_type="payment",
                privilege="payments.approve",
                binds=("resource.properties.amount", "resource.properties.payee"),
                requirement=once,
            )
        )
        edit.put_role("payer", ["payments.approve"])
        edit.put_plan(licensing.PlanSpec(key="plain", title="Plain", rank=1, terms=()))
    tenant_id = licensing.put_tenant(slug="steps", name="Steps", by=_BY, at=now())[0].id
    licensing.put_subscription(tenant_id=tenant_id, plan="plain", by=_BY, at=now())
    verbs = [Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY]
    _told, secret = authlevels.create_credential(tenant_id=tenant_id, name="product", verbs=verbs, by=_BY, at=now())
    return Site(id=tenant_id, slug="steps", secret=secret)


def _put_person(site: Site, number: int) -> _Person:
    from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    name, secret = f"p{number}", b32encode(secrets.token_bytes(20)).decode()
    licensing.put_member(tenant_id=site.id, subject_type="user", subject_id=name, roles=["payer"], by=_BY, at=now())
    authlevels.put_user(realm=site.id, subject_type="user", subject_id=name, totp_secret=secret, at=now())
    question = site.question("payments.approve", name, site.signed_in(name).handle)
    properties = {"amount": 1200 + number, "payee": "ACME Ltd"}
    return _Person(secret, question | {"resource": {"type": "payment", "id": str(number), "properties": properties}})


def _percentile(took: Sequence[float], share: float) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * share))]


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.step_up", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of fifty people, in each of the two ways")
    parser.add_argument("--rate", type=float, default=20.0, help="answers a second where they are spread")
    parser.add_argument("--workers", type=int, default=2, help="workers of the web server")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
