"""How long from paid to unlocked? ``python -m bench.billing``.

A web server, a worker and a beat as in production, with every commit waiting for the disk, and a Stripe of our own that
sends its webhooks to the web server. Each of a hundred tenants is refused for want of a plan; then it buys one, some
every second, and asks again each 100 ms until it is allowed: a refusal is a durable record, and asking faster would be
the load. Measured is the time from Stripe's answer to the purchase, when it is paid, to the first allow. The target is a p99 below 2 s; whoever is not let in within 30 s is a fault.

``--without-webhooks`` drops them all: then the list of events, read each minute, is what is left.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.changes import Site
from bench.ground import durable, own_services
from bench.link import Link
from bench.probes import Connection, Probe, ask
from bench.seed_large import close_connections
from config.demo.children import Child, end_all, start
from config.demo.ports import HOST, free_ports
from config.embedded import paths
from config.embedded.processes import wait_until
from config.embedded.secrets import development_secrets
from config.fake_stripe import FakeStripe
from deploy.commands import command_of
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Term, Verb

TARGET_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 30.0
_EVERY_SECONDS: Final = 0.1
_READY_SECONDS: Final = 60
_BY: Final = "bench"
_OK: Final = 200
_ACTION: Final = "exports.create"


@dataclass(frozen=True, slots=True)
class _Buyer:
    """A tenant with an account at Stripe, and the question that it asks."""

    customer: str
    question: bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; whatever was started is ended."""
    asked = _read(arguments)
    (port,) = free_ports(1)
    webhook = f"http://{HOST}:{port}/billing/stripe/webhook"
    with own_services() as cache, FakeStripe(webhook_url=webhook, senders=2) as stripe:
        _connect(stripe)
        _set_up()
        price = _put_catalogue(stripe)
        buyers = [_put_buyer(stripe, number) for number in range(asked.tenants)]
        stripe.turn(drop=1.0 if asked.without_webhooks else 0.0)
        try:
            with durable(cache) as ground, _serving(port):
                took = _all_buy(stripe, port, buyers, price, rate=asked.rate)
        finally:
            close_connections()
    settings = ground.settings
    _say(f"PostgreSQL {settings['server_version']}, fsync {settings['fsync']}, an fdatasync of 8 kB")
    _say(f"  {ground.fdatasync[0]:.0f} µs (p99 {ground.fdatasync[1]:.0f}); {asked.rate:g} purchases a second")
    unlocked = sorted(one for one in took if one is not None)
    _say(f"  {'paid to unlocked, ms':24}{'tenants':>9}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}")
    shares = "".join(f"{_percentile(unlocked, share) * 1000:8.0f}" for share in (0.5, 0.95, 0.99, 1.0))
    _say(f"  {'':24}{len(unlocked):9}{shares}")
    if len(unlocked) < len(buyers):
        _say(f"FAULT: {len(buyers) - len(unlocked)} have paid and were not let in")
        return 1
    is_met = _percentile(unlocked, 0.99) < TARGET_SECONDS
    _say(f"the target, a p99 below {TARGET_SECONDS:g} s, is {'' if is_met else 'not '}met")
    return 0


def _all_buy(stripe: FakeStripe, port: int, buyers: Sequence[_Buyer], price: str, *, rate: float) -> list[float | None]:
    took: list[float | None] = [None] * len(buyers)

    def buy(number: int) -> None:
        with Connection(port, timeout=_PATIENCE_SECONDS) as connection:
            if connection.ask(buyers[number].question).document["decision"]:
                raise RuntimeError("A tenant was let in that had not paid.")
            # Its own time, which is not measured.
            threading.Event().wait(number / rate)
            _client(stripe).subscriptions.create({"customer": buyers[number].customer, "items": [{"price": price}]})
            paid_at = time.perf_counter()
            while time.perf_counter() - paid_at < _PATIENCE_SECONDS:
                if connection.ask(buyers[number].question).document["decision"]:
                    took[number] = time.perf_counter() - paid_at
                    return
                threading.Event().wait(_EVERY_SECONDS)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(len(buyers))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return took


@contextmanager
def _serving(port: int) -> Iterator[None]:
    """Run web, worker and beat with production's settings until the block ends."""
    kept = development_secrets()
    link = Link(str(paths.place().valkey_socket))
    left_out = ("TIERGATE_TESTING", "TIERGATE_DEMO", "TIERGATE_EMBEDDED_DATABASE", "TIERGATE_EMBEDDED_VALKEY_DB")
    settings = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "DATABASE_URL": paths.database_url(paths.APP),
        "DATABASE_SWEEP_URL": paths.database_url(paths.SWEEP),
        # A worker's broker is reached by TCP.
        "REDIS_URL": f"redis://{HOST}:{link.port}/{paths.valkey_database()}",
        "TIERGATE_BASE_URL": "https://localhost",
        "TIERGATE_ALLOWED_HOSTS": HOST,
        "TIERGATE_SECRET_KEY": kept.key,
        "TIERGATE_KEYRING": kept.keyring,
        "PYTHONUNBUFFERED": "1",
    }
    workers = {"web": "1", "worker": "2", "beat": "1"}
    children: list[Child] = []
    with tempfile.TemporaryDirectory() as made:
        try:
            for process, count in workers.items():
                own = {**settings, "TIERGATE_PROCESS": process}
                command = command_of(
                    process, {"TIERGATE_HOST": HOST, "TIERGATE_PORT": str(port), "TIERGATE_WORKERS": count}
                )
                children.append(start(process, command, environment=own, log=Path(made) / f"{process}.log"))
            if not wait_until(lambda: _is_ready(children, port), seconds=_READY_SECONDS):
                raise RuntimeError(children[0].last_words())
            yield
            for one in children:
                one.refuse_dead()
        finally:
            end_all(children)
            link.end()


def _is_ready(children: Sequence[Child], port: int) -> bool:
    for one in children:
        one.refuse_dead()
    try:
        return ask(port, Probe(method="GET", path="/readyz")).status == _OK
    except OSError:
        return False


def _connect(stripe: FakeStripe) -> None:
    os.environ["STRIPE_API_KEY"] = stripe.key
    os.environ["STRIPE_WEBHOOK_SECRETS"] = ",".join(stripe.webhook_secrets)
    os.environ["STRIPE_API_BASE"] = stripe.url


def _set_up() -> None:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)


def _client(_stripe: FakeStripe) -> Any:
    from billing.gateway import get_gateway  # noqa: PLC0415 - not before Django is set up

    return get_gateway().client.v1


def _put_catalogue(stripe: FakeStripe) -> str:
    """Sell exports with one plan, and return its price at Stripe."""
    from billing.gateway import get_gateway  # noqa: PLC0415 - not before Django is set up
    from billing.pushing import push_prices  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    assert stripe.key  # noqa: S101 - its address is in the environment
    with licensing.edit_catalogue(by=_BY, at=now()) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH))
        edit.put_action(ActionSpec(name=_ACTION, resource_type="report", privilege="exports.create", feature="exports"))
        edit.put_role("maker", ["exports.create"])
        edit.put_plan(
            licensing.PlanSpec(
                key="paid",
                title="Paid",
                rank=1,
                price=licensing.Price(amount=4900, currency="eur", interval="month"),
                terms=(Term(feature="exports", value=True),),
            )
        )
    (pushed,) = push_prices(gateway=get_gateway(), by=_BY, at=now())
    return pushed.price


def _put_buyer(stripe: FakeStripe, number: int) -> _Buyer:
    from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
    from billing import api as billing  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    slug = f"buyer-{number}"
    tenant_id = licensing.put_tenant(slug=slug, name=slug, by=_BY, at=now())[0].id
    licensing.put_member(tenant_id=tenant_id, subject_type="user", subject_id="ada", roles=["maker"], by=_BY, at=now())
    verbs = [Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT]
    _told, secret = authlevels.create_credential(tenant_id=tenant_id, name="product", verbs=verbs, by=_BY, at=now())
    site = Site(id=tenant_id, slug=slug, secret=secret)
    v1 = _client(stripe)
    customer = v1.customers.create({"name": slug})
    card = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    billing.link_customer(tenant_id=tenant_id, stripe_id=customer.id, by=_BY, at=now())
    question = site.probe(_ACTION, "ada", site.signed_in("ada").handle).as_bytes()
    return _Buyer(customer.id, question)


def _percentile(took: Sequence[float], share: float) -> float:
    return took[min(len(took) - 1, int(len(took) * share))] if took else float("nan")


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.billing", description=__doc__)
    parser.add_argument("--tenants", type=int, default=100, help="who buys")
    parser.add_argument("--rate", type=float, default=5.0, help="purchases a second")
    parser.add_argument("--without-webhooks", action="store_true", help="drop every webhook")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
