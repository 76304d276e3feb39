"""Whatever is shown as a token is good or it is none: nothing that a stranger writes into it is an error of ours."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from tests.authenticator import b64
from tests.decisions.conftest import World, client, world
from tests.decisions.test_a_token_is_good_for_one_task import ISSUER, elevated, keys, take
from tiergate import Verb
from tiergate.tokens import EVERY_TENANT, TokenRefused, Wanted, check, key_id_of, read_token

__all__ = ["client", "world"]

HEADER = {"alg": "ES256", "kid": "k", "typ": "at+jwt"}
ODD: list[Any] = [
    {**HEADER, "typ": ["at+jwt"]},
    {**HEADER, "typ": {}},
    {**HEADER, "alg": ["ES256"]},
    {**HEADER, "alg": "none"},
    {**HEADER, "kid": {}},
    {**HEADER, "crit": ["exp"]},
    [],
    "at+jwt",
    None,
]


def _token(header: Any) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(b'{}')}.{b64(b'x')}"


@pytest.mark.parametrize("header", ODD)
def test_a_header_of_any_other_kind_is_refused(header: Any) -> None:
    with pytest.raises(TokenRefused):
        key_id_of(_token(header))


def test_whoever_asks_about_such_a_token_hears_that_it_is_not_good(client: Client, world: World) -> None:
    _credential, key = authlevels.create_credential(
        tenant_id=world.globex, name="reader", verbs=[Verb.TOKENS_INTROSPECT], audiences=["a"], by="t", at=clock.now()
    )
    for token in (*map(_token, ODD), "a.b.c", ".." * 2000, "e30.e30.e30", "é.é.é"):
        told = client.post(
            "/oauth/introspect",
            urlencode({"token": token}),
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Bearer {key}"},
        )
        assert (told.status_code, told.json()) == (200, {"active": False}), token


def test_a_token_of_another_tenants_person_of_the_same_name_is_not_believed(client: Client, world: World) -> None:
    _handle, elevation = elevated(client, world)
    clear = take(client, world.globex_key, elevation, audience="https://acme.example")["access_token"]
    claims = read_token(clear, keys=keys(client), issuer=ISSUER, audience="https://acme.example", at=clock.now())
    assert (claims.sub, claims.tenant) == ("user:alice", "globex"), "acme has a user:alice too"
    for tenant in ("acme", "", "GLOBEX"):
        with pytest.raises(TokenRefused):
            check(claims, Wanted(tenant=tenant, scope="exports"), at=clock.now())
    for tenant in ("globex", EVERY_TENANT):
        check(claims, Wanted(tenant=tenant, scope="exports"), at=clock.now())
