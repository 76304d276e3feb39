"""`manage.py explain` tells a person why a request is decided as it is."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit import api as audit
from isolation.api import tenant_transaction
from tests.decisions.asking import body, export
from tests.decisions.bundles import applied
from tests.decisions.conftest import World


def _explained(tmp_path: Path, document: Any, **options: str) -> str:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(document))
    out = StringIO()
    call_command("explain", str(file), stdout=out, **options)
    return out.getvalue()


def test_a_refusal_names_who_asks_for_what_and_what_would_make_it(world: World, tmp_path: Path) -> None:
    text = _explained(tmp_path, export(session=world.asserted(tenant=world.globex), tenant="globex"))
    assert text.startswith("STEP_UP  step_up_required  Confirm that it is you to go on.")
    assert "plan:regulated@1 requires aal2 within 300 s, for this action only" in text
    assert "step_up to aal2 within 300 s, for this action only with otp (tiergate)" in text


def test_an_upgrade_names_the_plan(world: World, tmp_path: Path) -> None:
    text = _explained(tmp_path, export(session=world.asserted()), tenant="acme")
    assert text.startswith("UPGRADE  upgrade_required")
    assert "upgrade to Regulated (plan regulated)" in text


def test_the_bundle_is_named_with_the_rules_that_spoke(world: World, tmp_path: Path) -> None:
    document = export(session=world.asserted(tenant=world.globex), tenant="globex")
    assert "No rules were asked" in _explained(tmp_path, document)
    digest = applied("acme", says="aal2", on="exports.create").active or ""
    text = _explained(tmp_path, document)
    assert f"Rules {digest[:12]}: one" in text
    assert "policy:one requires aal2: It is acme." in text


def test_explaining_records_nothing_and_uses_nothing_up(world: World, tmp_path: Path) -> None:
    _explained(tmp_path, body(session=world.asserted()), tenant="acme")
    with tenant_transaction(world.acme):
        assert not audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.DECISION])


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        ("{", {"tenant": "acme"}, "not an access evaluation request"),
        ("[]", {"tenant": "acme"}, "not an access evaluation request"),
        ('{"subject": 1}', {"tenant": "acme"}, "not an access evaluation request"),
        (json.dumps(body()), {}, "Name the tenant"),
        (json.dumps(body()), {"tenant": "nowhere"}, "There is no tenant 'nowhere'"),
    ],
)
def test_a_file_that_cannot_be_explained_is_refused_in_a_sentence(
    world: World, tmp_path: Path, content: str, options: dict[str, str], sentence: str
) -> None:
    file = tmp_path / "request.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("explain", str(file), **options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("explain", str(tmp_path / "none.json"))
