"""What holds even where our own code would be wrong."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from authlevels.models import Challenge, Elevation, ProofRow, ServiceCredential, SessionRow
from isolation.api import tenant_transaction
from tests.authlevels.acme import BOBS_SECRET, NOON, Acme, later

TABLES = [Challenge, Elevation, ProofRow, ServiceCredential, SessionRow]


@pytest.mark.parametrize("table", TABLES)
def test_no_row_is_read_without_saying_whose(acme: Acme, table: type[SessionRow]) -> None:
    acme.step_up(acme.assert_bob(), BOBS_SECRET, at=NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        list(table.objects.all())


@pytest.mark.parametrize("table", TABLES)
def test_another_tenants_rows_are_not_there(acme: Acme, globex: Acme, table: type[SessionRow]) -> None:
    acme.step_up(acme.assert_bob(), BOBS_SECRET, at=NOON)
    with tenant_transaction(globex.tenant_id):
        assert not table.objects.filter(tenant_id=acme.tenant_id).exists()


def test_a_proof_cannot_be_written_onto_another_tenants_session(acme: Acme, globex: Acme) -> None:
    bob = acme.assert_bob()
    with pytest.raises(IntegrityError), tenant_transaction(globex.tenant_id):
        ProofRow.objects.create(
            tenant_id=globex.tenant_id,
            session_id=bob.id,
            method="otp",
            at=NOON,
            issuer="tiergate",
            authenticator="x",
            factor_kind="possession",
        )


def test_a_proof_of_an_elevation_names_its_challenge(acme: Acme) -> None:
    bob = acme.assert_bob()
    with pytest.raises(IntegrityError), tenant_transaction(acme.tenant_id):
        ProofRow.objects.create(
            tenant_id=acme.tenant_id,
            session_id=bob.id,
            elevation_id=uuid4(),
            method="otp",
            at=NOON,
            issuer="tiergate",
            authenticator="x",
            factor_kind="possession",
        )


def test_what_has_ended_never_begins_again(acme: Acme) -> None:
    bob = acme.assert_bob()
    acme.step_up(bob, BOBS_SECRET, at=NOON)
    with tenant_transaction(acme.tenant_id):
        Elevation.objects.update(ended_at=later(1))
        SessionRow.objects.update(revoked_at=later(1))
    for table, column in ((Elevation, "ended_at"), (SessionRow, "revoked_at"), (Challenge, "closed_at")):
        with pytest.raises(IntegrityError), tenant_transaction(acme.tenant_id):
            table.objects.update(**{column: None})


def test_one_challenge_leaves_one_elevation(acme: Acme) -> None:
    acme.step_up(acme.assert_bob(), BOBS_SECRET, at=NOON)
    with tenant_transaction(acme.tenant_id):
        elevation = Elevation.objects.get()
    elevation.pk = uuid4()
    with pytest.raises(IntegrityError), tenant_transaction(acme.tenant_id):
        elevation.save(force_insert=True)
