"""Tenants, people and holdings over HTTP, as the vendor's provisioning calls them."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

import audit.api
from authlevels import api as authlevels
from isolation.api import tenant_transaction
from licensing import api
from tests.licensing.conftest import NOON
from tiergate import Verb

pytestmark = pytest.mark.usefixtures("catalogue")

ALL = [
    *(Verb.TENANTS_READ, Verb.TENANTS_WRITE, Verb.MEMBERS_READ, Verb.MEMBERS_WRITE, Verb.ROLES_READ, Verb.ROLES_WRITE),
    *(Verb.SUBSCRIPTION_READ, Verb.SUBSCRIPTION_WRITE, Verb.OVERRIDES_READ, Verb.OVERRIDES_WRITE),
    *(Verb.ENTITLEMENTS_READ, Verb.CATALOG_READ),
]


class Caller:
    """A service that calls with its credential."""

    def __init__(self, tenant_id: UUID, verbs: list[Verb] = ALL) -> None:
        _credential, secret = authlevels.create_credential(
            tenant_id=tenant_id, name="provisioning", verbs=verbs, by="test", at=NOON
        )
        self.client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})

    def put(self, path: str, **body: Any) -> tuple[int, Any]:
        response = self.client.put(path, body, content_type="application/json")
        return response.status_code, response.json()

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        response = self.client.get(path, query)
        return response.status_code, response.json()

    def delete(self, path: str) -> int:
        return self.client.delete(path).status_code


@pytest.fixture
def vendor(db: None) -> Caller:
    authlevels.forget_credentials()
    return Caller(api.VENDOR_TENANT_ID)


PUTS: list[tuple[str, dict[str, Any]]] = [
    ("", {"name": "Acme"}),
    ("/members/alice", {"roles": ["owner"]}),
    ("/members/account:auth0|5/x", {"roles": [], "display_name": "Alice"}),
    ("/roles/clerk", {"privileges": ["reports.read"], "requirement": {"level": "aal2"}}),
    ("/subscription", {"plan": "business", "add_ons": ["more-seats"]}),
    ("/overrides/seats", {"effect": "value", "limit": 7, "reason": "pilot"}),
]


@pytest.mark.parametrize(("path", "body"), PUTS, ids=[path or "/" for path, _ in PUTS])
def test_a_put_creates_and_the_same_put_again_leaves_no_trace(vendor: Caller, path: str, body: dict[str, Any]) -> None:
    if path:
        vendor.put("/v1/tenants/acme", name="Acme")
    first = vendor.put(f"/v1/tenants/acme{path}", **body)
    assert first[0] == 201, first
    acme = api.get_tenant("acme").id

    def traces() -> tuple[str, int]:
        with tenant_transaction(acme):
            told = audit.api.list_entries(tenant_id=acme)
        return api.snapshot_version(tenant_id=acme), len([one for one in told if one.kind != audit.api.Kind.DECISION])

    before = traces()
    assert vendor.put(f"/v1/tenants/acme{path}", **body) == (200, first[1])
    assert traces() == before
    assert vendor.get(f"/v1/tenants/acme{path}") == (200, first[1])


def test_every_change_says_who_made_it(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    acme = api.get_tenant("acme").id
    with tenant_transaction(acme):
        (entry,) = audit.api.list_entries(tenant_id=acme, kinds=[audit.api.Kind.TENANT_CHANGED])
    assert entry.payload["by"] == "credential:provisioning"
    assert (entry.payload["old"], entry.payload["new"]["name"]) == (None, "Acme")


def test_what_is_deleted_is_gone_and_gone_again_is_not_found(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    vendor.put("/v1/tenants/acme/members/alice", roles=[])
    vendor.put("/v1/tenants/acme/overrides/seats", effect="removed", reason="abuse")
    for path in ("members/alice", "overrides/seats"):
        assert vendor.delete(f"/v1/tenants/acme/{path}") == 204
        assert vendor.delete(f"/v1/tenants/acme/{path}") == 404


def test_pages_go_on_whatever_joins_meanwhile(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    for name in ("bob", "dora", "finn"):
        vendor.put(f"/v1/tenants/acme/members/{name}", roles=[])
    _, first = vendor.get("/v1/tenants/acme/members", limit="2")
    assert [one["subject_id"] for one in first["items"]] == ["bob", "dora"]
    vendor.put("/v1/tenants/acme/members/alice", roles=[])
    _, rest = vendor.get("/v1/tenants/acme/members", limit="2", after=first["next"])
    assert ([one["subject_id"] for one in rest["items"]], rest["next"]) == (["finn"], None)
    for slug in ("globex", "initech"):
        vendor.put(f"/v1/tenants/{slug}", name=slug)
    _, page = vendor.get("/v1/tenants", limit="2")
    assert ([one["slug"] for one in page["items"]], page["next"]) == (["acme", "globex"], "globex")


def test_entitlements_are_told_for_any_instant(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    _, subscribed = vendor.put("/v1/tenants/acme/subscription", plan="business", active_from="2027-01-01T00:00:00Z")
    status, before = vendor.get("/v1/tenants/acme/entitlements", at="2026-12-31T23:59:59Z")
    _, then = vendor.get("/v1/tenants/acme/entitlements", at="2027-01-01T00:00:00Z")
    granted = [{one["feature"]: one["is_granted"] for one in told["items"]}["exports"] for told in (before, then)]
    assert (status, granted) == (200, [False, True])
    assert before["next_change_at"] == "2027-01-01T00:00:00Z"
    assert before["snapshot"] == subscribed["snapshot"]


def test_the_catalogue_is_shown_with_what_is_on_sale(vendor: Caller) -> None:
    status, shown = vendor.get("/v1/catalog")
    assert status == 200
    assert [one["key"] for one in shown["plans"]] == ["starter", "business", "regulated"]
    assert shown["plans"][1]["version"]["price"] == {"amount": 4900, "currency": "eur", "interval": "month"}


def test_a_tenants_own_credential_reaches_its_own_tenant_and_no_other(vendor: Caller) -> None:
    for slug in ("acme", "globex"):
        vendor.put(f"/v1/tenants/{slug}", name=slug)
    acme = Caller(api.get_tenant("acme").id)
    assert acme.get("/v1/tenants/acme/members")[0] == 200
    assert acme.put("/v1/tenants/acme/members/alice", roles=["member"])[0] == 201
    for path in ("", "/members", "/roles", "/subscription", "/overrides", "/entitlements"):
        assert acme.get(f"/v1/tenants/globex{path}")[0] == 403, path
    assert acme.put("/v1/tenants/globex/members/mallory", roles=["owner"])[0] == 403
    assert acme.put("/v1/tenants/evil", name="Evil")[0] == 403
    assert acme.get("/v1/tenants")[0] == 403


def test_the_last_owner_is_told_to_stay(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    assert vendor.put("/v1/tenants/acme/members/alice", roles=["owner"])[0] == 201
    status, problem = vendor.put("/v1/tenants/acme/members/alice", roles=["owner"], active=False)
    assert (status, problem["code"]) == (409, "last_owner")
    assert problem["detail"] == "A workspace keeps at least one owner: make somebody else an owner first."


def test_nobody_known_is_let_in() -> None:
    for path in ("/v1/catalog", "/v1/tenants", "/v1/tenants/acme", "/v1/tenants/acme/entitlements"):
        assert Client(raise_request_exception=False).get(path).status_code == 401, path


REFUSED: list[tuple[str, dict[str, Any], int, str | None]] = [
    ("/v1/tenants/vendor", {"name": "Mallory"}, 400, "invalid_name"),
    ("/v1/tenants/Acme", {"name": "x"}, 400, "invalid_name"),
    ("/v1/tenants/6f9619ff-8b86-d011-b42d-00cf4fc964ff", {"name": "x"}, 400, "invalid_name"),
    ("/v1/tenants/a%00b", {"name": "x"}, 400, "invalid_name"),
    ("/v1/tenants/new", {"name": "a\u0000b"}, 400, None),
    ("/v1/tenants/new", {"name": ""}, 400, None),
    ("/v1/tenants/new", {"name": "x", "nmae": "y"}, 400, None),
    ("/v1/tenants/new", {"name": "x", "settings": {"a": "\u0000"}}, 400, "invalid_term"),
    ("/v1/tenants/new", {"name": "x", "settings": [1]}, 400, None),
    ("/v1/tenants/nobody/members/alice", {"roles": []}, 404, "tenant_not_found"),
    ("/v1/tenants/acme/members/a%00b", {"roles": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/members/%E2%80%AEecila", {"roles": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/members/e%CC%81ve", {"roles": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/members/user:", {"roles": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/members/" + "a" * 256, {"roles": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/members/alice", {"roles": ["emperor"]}, 400, "unknown_role"),
    ("/v1/tenants/acme/members/alice", {"roles": ["operator"]}, 400, "unknown_role"),
    ("/v1/tenants/acme/members/alice", {"roles": "owner"}, 400, None),
    ("/v1/tenants/acme/members/alice", {}, 400, None),
    ("/v1/tenants/acme/roles/boss", {"privileges": ["operator.admin"]}, 400, "privilege_reserved"),
    ("/v1/tenants/acme/roles/B%20ss", {"privileges": []}, 400, "invalid_name"),
    ("/v1/tenants/acme/roles/boss", {"privileges": [], "requirement": {"level": "aal9"}}, 400, None),
    ("/v1/tenants/acme/roles/boss", {"privileges": [], "requirement": {"max_age": 1, "scop": "x"}}, 400, None),
    ("/v1/tenants/acme/subscription", {"plan": "gold"}, 400, "unknown_plan"),
    ("/v1/tenants/acme/subscription", {"plan": "business", "version": 9}, 400, "unknown_plan"),
    ("/v1/tenants/acme/subscription", {"plan": "business", "version": 10**30}, 400, None),
    ("/v1/tenants/acme/subscription", {"plan": "business", "add_ons": ["x"]}, 400, "unknown_plan"),
    ("/v1/tenants/acme/subscription", {"plan": "business", "active_to": "2020-01-01T00:00:00Z"}, 400, None),
    ("/v1/tenants/acme/subscription", {"plan": "business", "active_from": "0001-01-01T00:00:00+14:00"}, 400, None),
    ("/v1/tenants/acme/subscription", {"plan": "business", "status": "free"}, 400, None),
    ("/v1/tenants/acme/overrides/nope", {"effect": "removed", "reason": "x"}, 404, "feature_not_found"),
    ("/v1/tenants/acme/overrides/seats", {"effect": "removed", "reason": " "}, 400, None),
    ("/v1/tenants/acme/overrides/seats", {"effect": "value", "reason": "x"}, 400, "invalid_term"),
    ("/v1/tenants/acme/overrides/seats", {"effect": "inherit", "limit": 3, "reason": "x"}, 400, "invalid_term"),
    ("/v1/tenants/acme/overrides/seats", {"effect": "value", "limit": 2**63, "reason": "x"}, 400, None),
    ("/v1/tenants/acme/overrides/reports", {"effect": "value", "value": 1, "reason": "x"}, 400, "invalid_term"),
]


def test_what_cannot_be_meant_is_refused_with_a_code_and_never_a_500(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    for path, body, status, code in REFUSED:
        got, problem = vendor.put(path, **body)
        assert got == status, (path, body, problem)
        assert code is None or problem["code"] == code, (path, body, problem)


ODD_QUERIES: list[tuple[str, dict[str, str]]] = [
    ("/v1/tenants", {"limit": "0"}),
    ("/v1/tenants", {"limit": "٣"}),
    ("/v1/tenants", {"limit": "501"}),
    ("/v1/tenants", {"after": "\x00"}),
    ("/v1/tenants/acme/members", {"after": "Ä:"}),
    ("/v1/tenants/acme/entitlements", {"at": "yesterday"}),
    ("/v1/tenants/acme/entitlements", {"at": "2026-01-01T00:00:00"}),
    ("/v1/tenants/acme/entitlements", {"at": "2026-13-01T00:00:00Z"}),
    ("/v1/tenants/acme/entitlements", {"at": "0001-01-01T00:00:00+14:00"}),
    ("/v1/tenants/acme/subscription", {"at": ""}),
]


def test_an_odd_query_is_a_400(vendor: Caller) -> None:
    vendor.put("/v1/tenants/acme", name="Acme")
    for path, query in ODD_QUERIES:
        assert vendor.get(path, **query)[0] == 400, (path, query)
