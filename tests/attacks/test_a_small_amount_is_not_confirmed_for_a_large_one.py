"""What a rule asks for this very transaction is confirmed for what it read of it, whatever the catalogue binds."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from decisions.policy import memory
from decisions.policy.storing import store_bundle
from isolation import clock
from tests.decisions.asking import ask, body, step_up
from tests.decisions.bundles import put_in_force
from tests.decisions.conftest import World, client, code_at, world

__all__ = ["client", "world"]

FILES = {
    "bundle.yaml": "name: acme\nversion: 1\ndescription: Rules of Acme.\nowner: security\n",
    "rules/a.yaml": """\
- id: large
  on: {actions: [reports.read]}
  when: transaction.is_present && transaction.amount > 1000
  require: {level: aal2, scope: transaction}
  because: As much as this takes a second factor for this very payment.
  owner: payments
""",
    "tests/a.yaml": """\
- it: asks above a thousand
  given: {action: {name: reports.read, feature: '', scopes: []}, transaction: {is_present: true, amount: 1001}}
  want: {outcome: asks, require: {level: aal2, scope: transaction}}
- it: asks nothing below
  given: {action: {name: reports.read, feature: '', scopes: []}, transaction: {is_present: true, amount: 1000}}
  want: {outcome: nothing}
""",
}


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


@pytest.mark.parametrize(
    ("confirmed", "others"),
    [
        (
            {"transaction": {"amount": 1001, "currency": "EUR", "type": "payout"}},
            [
                {"transaction": {"amount": 1_000_000_000, "currency": "EUR", "type": "payout"}},
                {"transaction": {"amount": 1001, "currency": "KWD", "type": "payout"}},
                {"transaction": {"amount": 1001, "currency": "EUR", "type": "loan"}},
            ],
        ),
        ({"amount": 1001}, [{"amount": 1002}]),
    ],
)
def test_a_confirmation_is_good_for_the_transaction_that_a_rule_read(
    world: World, client: Client, confirmed: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    put_in_force(store_bundle(FILES, by="user:olga", at=clock.now()).digest)
    session = world.asserted()
    first = ask(client, world.acme_key, body(session=session, **confirmed))
    assert first["context"]["outcome"] == "step_up"
    step_up(client, world.acme_key, first, code_at(clock.now()))
    for other in others:
        assert ask(client, world.acme_key, body(session=session, **other))["context"]["outcome"] == "step_up"
    assert ask(client, world.acme_key, body(session=session, **confirmed))["decision"] is True
