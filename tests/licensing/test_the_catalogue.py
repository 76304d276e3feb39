"""What is published stays; what is the same is no new version; what is wrong is refused whole."""

from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from tests.licensing.conftest import AAL2, NOON, fill, later
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Term

pytestmark = pytest.mark.usefixtures("catalogue")


def applied() -> int:
    with tenant_transaction(api.VENDOR_TENANT_ID):
        return len(audit.api.list_entries(tenant_id=api.VENDOR_TENANT_ID, kinds=[audit.api.Kind.CATALOG_APPLIED]))


def test_the_same_catalogue_again_is_no_change_no_entry_and_no_new_generation() -> None:
    before, entries = api.snapshot_version(tenant_id=api.VENDOR_TENANT_ID), applied()
    with api.edit_catalogue(by="test", at=later(1)) as edit:
        fill(edit)
    assert edit.changes == []
    assert (api.snapshot_version(tenant_id=api.VENDOR_TENANT_ID), applied()) == (before, entries)


def test_new_content_is_a_new_version_and_old_content_is_the_old_one_again() -> None:
    numbers = []
    for price in (5900, 4900, 5900):
        with api.edit_catalogue(by="test", at=later(1)) as edit:
            fill(edit, business_price=price)
        (change,) = edit.changes
        assert change.new is not None
        numbers.append(change.new["version"]["number"])
    assert numbers == [2, 1, 2]


def test_a_dry_run_tells_what_would_change_and_changes_nothing() -> None:
    with api.edit_catalogue(by="test", at=later(1), dry_run=True) as edit:
        fill(edit, business_price=5900)
    assert [(one.what, one.key) for one in edit.changes] == [("plan", "business")]
    with api.edit_catalogue(by="test", at=later(1), dry_run=True) as edit:
        fill(edit)
    assert edit.changes == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_plan_version SET price_amount = 1",
        "UPDATE licensing_plan_version SET status = 'draft'",
        "DELETE FROM licensing_plan_term",
        "UPDATE licensing_plan_term SET requirement = NULL",
        (
            "INSERT INTO licensing_plan_term (id, version_id, feature_id, feature_kind, value, unlimited, reset_period)"
            " SELECT gen_random_uuid(), v.id, f.id, f.kind, 'true', false, '' FROM licensing_plan_version v,"
            " licensing_feature f WHERE f.key = 'exports'"
        ),
        (
            "INSERT INTO licensing_plan_version (id, plan_id, kind, number, status, content_hash, price_currency,"
            " price_interval, published_at) SELECT gen_random_uuid(), id, kind, 99, 'published', 'x', '', '', now()"
            " FROM licensing_plan"
        ),
    ],
)
@pytest.mark.parametrize("alias", ["default", "owner"])
def test_a_published_version_is_not_changed_by_hand_not_even_by_the_owner(statement: str, alias: str) -> None:
    with (
        pytest.raises(DatabaseError, match=r"immutable|begins as a draft"),
        transaction.atomic(using=alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    "term",
    [
        Term(feature="seats"),
        Term(feature="seats", limit=3, unlimited=True),
        Term(feature="seats", limit=-1),
        Term(feature="seats", limit=2**63),
        Term(feature="seats", value=True),
        Term(feature="reports", value="yes"),
        Term(feature="reports", limit=1),
        Term(feature="reports", unlimited=True),
    ],
)
def test_a_term_says_what_its_features_kind_can_and_absence_is_never_unlimited(term: Term) -> None:
    with pytest.raises(api.InvalidTerm), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_plan(api.PlanSpec(key="odd", terms=(term,)))


@pytest.mark.parametrize(
    "columns",
    [
        """value = NULL, "limit" = NULL, unlimited = false""",
        """value = NULL, "limit" = 3, unlimited = true""",
        """value = '1', "limit" = NULL, unlimited = true""",
        """requirement = '{"level": "aal9"}'""",
        """requirement = '{"levle": "aal2"}'""",
        """requirement = '{"max_age": 0}'""",
    ],
)
def test_the_database_itself_refuses_a_term_that_makes_no_sense(columns: str) -> None:
    draft = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO licensing_plan_version (id, plan_id, kind, number, status, content_hash, price_currency,"
            " price_interval) SELECT %s, id, kind, 50, 'draft', 'x', '', '' FROM licensing_plan WHERE key = 'starter'",
            [draft],
        )
        cursor.execute(
            'INSERT INTO licensing_plan_term (id, version_id, feature_id, feature_kind, "limit", unlimited,'
            " reset_period) SELECT gen_random_uuid(), %s, id, kind, 1, false, '' FROM licensing_feature"
            " WHERE key = 'seats'",
            [draft],
        )
        with pytest.raises(DatabaseError, match="violates check"):
            cursor.execute(f"UPDATE licensing_plan_term SET {columns} WHERE version_id = %s", [draft])  # noqa: S608


def test_a_feature_keeps_its_kind_and_its_place_while_something_stands_on_it(acme: UUID) -> None:
    with pytest.raises(api.CatalogueConflict), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="seats", kind=FeatureKind.SWITCH))
    with pytest.raises(api.CatalogueConflict), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.remove_feature("seats")
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="beta", kind=FeatureKind.SWITCH))
    api.put_override(
        tenant_id=acme, feature="beta", effect="value", value=True, reason="early access", by="test", at=NOON
    )
    with pytest.raises(api.CatalogueConflict), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.remove_feature("beta")
    api.remove_override(tenant_id=acme, feature="beta", by="test", at=NOON)
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.remove_feature("beta")
    assert [one.key for one in edit.changes] == ["beta"]


def test_tiergates_own_names_and_the_vendors_own_privileges_are_not_to_be_had(acme: UUID) -> None:
    with pytest.raises(api.InvalidName), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_action(ActionSpec(name="tiergate.tenant.write", resource_type="x", privilege="y"))
    with pytest.raises(api.PrivilegeReserved), api.edit_catalogue(by="test", at=NOON) as edit:
        edit.put_role("member", ["operator.admin"])
    with pytest.raises(api.PrivilegeReserved):
        api.put_role(tenant_id=acme, key="boss", privileges=["overrides.write"], by="test", at=NOON)


def test_a_retired_plan_is_off_sale_and_kept_by_whoever_has_it(acme: UUID) -> None:
    api.put_subscription(tenant_id=acme, plan="business", by="test", at=NOON)
    with api.edit_catalogue(by="test", at=NOON) as edit:
        edit.retire_plan("business")
    assert api.get_snapshot(tenant_id=acme, at=NOON).entitlements["exports"].is_granted
    assert [one.key for one in api.get_snapshot(tenant_id=acme, at=NOON).unlocks["exports"]] == [
        "export-pack",
        "regulated",
    ]
    globex = api.put_tenant(slug="globex", name="Globex", by="test", at=NOON)[0].id
    with pytest.raises(api.UnknownPlan):
        api.put_subscription(tenant_id=globex, plan="business", by="test", at=NOON)


def test_what_unlocks_a_feature_is_named_smallest_first_with_what_it_would_ask(acme: UUID) -> None:
    ways = api.get_snapshot(tenant_id=acme, at=NOON).unlocks["exports"]
    assert [(one.kind.value, one.key, one.price) for one in ways] == [
        ("add_on", "export-pack", 1900),
        ("plan", "business", 4900),
        ("plan", "regulated", None),
    ]
    assert ways[0].requirement == AAL2
