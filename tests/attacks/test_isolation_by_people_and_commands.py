"""What one tenant's people, exports and explanations are made of is that tenant's alone."""

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from authlevels import api as authlevels
from authlevels.models import SessionRow, User
from isolation import clock
from isolation.api import tenant_transaction
from tests.decisions.asking import export
from tests.isolation.conftest import world
from tests.isolation.sides import World

__all__ = ["world"]

pytestmark = pytest.mark.django_db


def theirs(world: World) -> SessionRow:
    session_id = authlevels.parse_session_handle(world.globex.session)
    assert session_id is not None
    return SessionRow.objects.using("sweep").get(id=session_id)


def test_a_session_is_of_no_person_whom_another_tenants_product_knows(world: World) -> None:
    """Their factors would answer for it: people are in a table of all tenants, so a trigger keeps this."""
    row = theirs(world)
    row.pk, row.tenant_id = uuid4(), world.acme.tenant_id
    with pytest.raises(IntegrityError, match="another tenant"), tenant_transaction(world.acme.tenant_id):
        row.save(using="default", force_insert=True)
    with pytest.raises(IntegrityError, match="another tenant"), tenant_transaction(world.acme.tenant_id):
        SessionRow.objects.filter(subject_id=world.acme.person).update(user_id=row.user_id)


def test_two_products_may_know_somebody_by_the_same_id_and_share_no_person(world: World) -> None:
    at = clock.now()
    ids = set()
    for side in (world.acme, world.globex):
        found, _changed = authlevels.put_user(subject_id="mallory", subject_type="user", realm=side.tenant_id, at=at)
        ids.add(found)
    assert len(ids) == 2
    assert User.objects.filter(subject_id="mallory").count() == 2


def explained(tmp_path: Path, document: Any, tenant: str) -> str:
    out, path = StringIO(), tmp_path / "question.json"
    path.write_text(json.dumps(document))
    call_command("explain", str(path), "--tenant", tenant, stdout=out)
    return out.getvalue()


def without_ids(text: str, *ids: str) -> list[str]:
    for one in ids:
        text = text.replace(one, "<it>")
    return [line for line in text.splitlines() if not line.startswith("As of")]


def test_explaining_tells_nothing_of_another_tenants_person_or_session(world: World, tmp_path: Path) -> None:
    told: dict[bool, list[tuple[str, ...]]] = {}
    for session, person in (
        (world.globex.session, world.globex.person),
        (world.ghosts[world.globex.session], world.ghosts[world.globex.person]),
    ):
        for asked_about in (person, world.acme.person):
            document = export(session=session)
            document["subject"]["id"] = asked_about
            text = explained(tmp_path, document, "acme")
            assert "is unknown" in text or "none named" in text
            told.setdefault(asked_about == world.acme.person, []).append(tuple(without_ids(text, session, person)))
    assert all(real == ghost for real, ghost in told.values())


def test_what_is_written_out_of_one_tenants_trail_has_nothing_of_another(world: World) -> None:
    for form in ("text", "csv", "json"):
        out = StringIO()
        call_command("audit", "show", "--tenant", "acme", "--format", form, stdout=out)
        told = out.getvalue()
        assert world.acme.person in told
        assert [mark for mark in [*world.marks, world.globex.tenant_id.hex] if mark in told] == []


def test_a_credential_of_another_tenant_is_found_by_no_name(world: World) -> None:
    name = f"vault-of-{world.globex.slug}"
    for verb in ("rotate", "revoke"):
        refusals = []
        for one in (name, world.ghosts[name]):
            with pytest.raises(CommandError) as refused:
                call_command("credentials", verb, "acme", one, stdout=StringIO())
            refusals.append(str(refused.value))
        assert refusals[0] == refusals[1]
    out = StringIO()
    call_command("credentials", "list", "acme", stdout=out)
    assert name not in out.getvalue()
    assert authlevels.resolve_credential(world.globex.key, at=clock.now()) is not None


def test_nobody_of_a_tenant_erases_another_tenants_person(world: World) -> None:
    before = theirs(world)
    with pytest.raises(CommandError):
        call_command("audit", "erase", "--tenant", "acme", "--subject", f"user:{world.globex.person}", "--yes")
    assert theirs(world).user_id == before.user_id
    assert User.objects.filter(realm=world.globex.tenant_id, subject_id=world.globex.person).exists()
