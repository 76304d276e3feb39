"""Asking the API at random: real values among drawn ones, so that requests get past the first door."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.test import Client
from hypothesis import strategies as st

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, export
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, World
from tiergate import Verb


def callers(world: World) -> dict[str, str]:
    """Give an Authorization header for each kind of caller: everything is allowed to the first."""
    at = clock.now()
    _told, vendor = authlevels.create_credential(
        tenant_id=licensing.VENDOR_TENANT_ID, name="everything", verbs=list(Verb), by="test", at=at
    )
    _told, tenant = authlevels.create_credential(
        tenant_id=world.acme, name="acme-everything", verbs=list(Verb), by="test", at=at
    )
    return {"vendor": f"Bearer {vendor}", "tenant": f"Bearer {tenant}", "nobody": ""}


def put_dora(world: World) -> None:
    """Let Dora, an owner, have a password and an authenticator of our own sign-in."""
    at = clock.now()
    authlevels.put_user(subject_id="dora", password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
    licensing.put_member(
        tenant_id=world.acme, subject_type="account", subject_id="dora", roles=["owner"], by="test", at=at
    )


def sign_in(world: World) -> str:
    """Begin Dora's session and give its Authorization header."""
    _session, secret = authlevels.sign_in_with_password(
        tenant_id=world.acme, username="dora", password=PASSWORD, network="test", at=clock.now()
    )
    return f"Bearer {secret}"


def is_signed_in(authorization: str) -> bool:
    """Say whether a person's session still lives; some requests end it."""
    return authlevels.resolve_session_secret(authorization.removeprefix("Bearer "), at=clock.now()) is not None


def real_values(world: World, client: Client) -> dict[str, list[str]]:
    """Give values that mean something, by the name of the member or parameter that they are for."""
    session = world.asserted("alice", tenant=world.globex)
    refused = ask(client, world.globex_key, export(session=session))
    decision = refused["context"]["challenge"]["decision_id"]
    opened = ask(client, world.globex_key, {"decision_id": decision}, path="/step-up/challenges", status=201)
    return {
        "tenant": ["acme", "globex", str(world.acme), "vendor"],
        "session": [session, world.asserted()],
        "handle": [session, world.asserted()],
        "decision_id": [decision],
        "challenge": [opened["challenge_id"]],
        "subject": ["alice", "user:bob", "account:dora"],
        "id": ["alice", "bob", "1", "customers"],
        "type": ["user", "report", "export"],
        "name": ["reports.read", "exports.create", "payments.approve"],
        "key": ["member", "owner", "auditor"],
        "feature": ["reports", "exports"],
        "plan": ["starter", "regulated"],
        "roles": ["member", "auditor"],
        "privileges": ["reports.read"],
        "username": ["dora"],
        "password": [PASSWORD],
        "method": ["totp", "password"],
    }


def aimed(case: Any, draw: Callable[[st.SearchStrategy[Any]], Any], real: Mapping[str, list[str]]) -> Any:
    """Put real values into a drawn request, at about every second place that has any."""
    for name in list(case.path_parameters or {}):
        if name in real and draw(st.booleans()):
            case.path_parameters[name] = draw(st.sampled_from(real[name]))
    for holder, name in _places(case.body):
        if name in real and draw(st.booleans()):
            value = draw(st.sampled_from(real[name]))
            holder[name] = [value] if isinstance(holder[name], list) else value
    return case


def _places(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for name, member in list(value.items()):
            if isinstance(member, dict):
                yield from _places(member)
            elif isinstance(name, str):
                yield value, name
            if isinstance(member, list):
                for one in member:
                    yield from _places(one)
    elif isinstance(value, list):
        for one in value:
            yield from _places(one)
