"""A product with its own front end takes a person from "no factor yet" to an allow."""

from datetime import timedelta

import pyotp
import time_machine
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import PASSWORD, World
from tiergate import Verb


def test_a_person_without_a_factor_is_told_to_enrol_does_so_and_steps_up(client: Client, world: World) -> None:
    authlevels.put_policy(tenant_id=world.acme, new_factor_cooldown=0, by="test", at=clock.now())
    handle = world.asserted("carol")
    document = payment(100, session=handle) | {"subject": {"type": "user", "id": "carol"}}
    refused = ask(client, world.acme_key, document)
    assert refused["context"]["reason"] == "enrolment_required"
    assert "challenge" not in refused["context"], "there is nothing yet that she could be challenged for"

    path = f"/t/acme/sessions/{handle}/factors/totp"
    begun = ask(client, world.acme_key, {"name": "Carol's phone"}, path=path, status=201)
    totp = pyotp.parse_uri(begun["otpauth_uri"])
    assert isinstance(totp, pyotp.TOTP)
    assert ask(client, world.acme_key, document)["context"]["reason"] == "enrolment_required", "unconfirmed"

    ask(client, world.acme_key, {"code": totp.at(clock.now())}, path=f"{path}/confirm", status=201)
    refused = ask(client, world.acme_key, document)
    assert refused["context"]["reason"] == "step_up_required"
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        step_up(client, world.acme_key, refused, totp.at(clock.now()))
        assert ask(client, world.acme_key, document)["decision"] is True


def test_an_enrolled_person_is_not_given_a_second_app(client: Client, world: World) -> None:
    """Whoever holds the first factor must lift the session before factors change."""
    path = f"/t/acme/sessions/{world.asserted()}/factors/totp"
    assert ask(client, world.acme_key, {}, path=path, status=403)["code"] == "held_level_needed"


def test_a_product_enrols_nobody_elses_people(client: Client, world: World) -> None:
    carol = world.asserted("carol")
    foreign = f"/t/globex/sessions/{carol}/factors/totp"
    assert ask(client, world.acme_key, {}, path=foreign, status=403)["code"] == "unknown_tenant"
    assert ask(client, world.globex_key, {}, path=foreign, status=404)["code"] == "session_not_found"


def test_a_product_enrols_nobody_of_our_own_sign_in(client: Client, world: World) -> None:
    from licensing import api as licensing  # noqa: PLC0415 - this test alone needs it

    at = clock.now()
    authlevels.put_user(subject_id="dora", password=PASSWORD, at=at)
    licensing.put_member(
        tenant_id=world.acme, subject_type="account", subject_id="dora", roles=["member"], by="test", at=at
    )
    session, _secret = authlevels.sign_in_with_password(
        tenant_id=world.acme, username="dora", password=PASSWORD, network="test", at=at
    )
    path = f"/t/acme/sessions/{session.handle}/factors/totp"
    assert ask(client, world.acme_key, {}, path=path, status=404)["code"] == "session_not_found"


def test_a_key_without_the_verb_enrols_nobody(client: Client, world: World) -> None:
    _, key = authlevels.create_credential(
        tenant_id=world.acme, name="asker", verbs=[Verb.ACCESS_EVALUATE], by="test", at=clock.now()
    )
    path = f"/t/acme/sessions/{world.asserted('carol')}/factors/totp"
    assert ask(client, key, {}, path=path, status=403)["code"] == "no_privilege"
