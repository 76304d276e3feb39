"""Whatever the master of the database does to what was sealed, verification finds it and says which entry it is."""

import base64
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import audit.api
from audit.checkpoints import body_of
from audit.entry_rows import COLUMNS, hash_entry, read_entry
from audit.merkle import Frontier
from audit.seal_keys import Signer
from audit.verifier import MARK_BYTES, Checkpoint
from tests.audit.conftest import Trail

pytestmark = pytest.mark.django_db


def test_a_trail_that_nobody_touched_is_true(trail: Trail) -> None:
    progress: list[tuple[int, int]] = []
    report = trail.verify(progress=lambda done, every: progress.append((done, every)))
    assert report.findings == ()
    assert report.is_true
    assert (report.sealed, report.unsealed, report.oldest_unsealed) == (trail.size(), 0, None)
    assert progress[-1] == (trail.size(), trail.size())
    assert report.remarks == ()


def test_what_is_not_sealed_yet_is_said(trail: Trail) -> None:
    size = trail.size()
    trail.append(count=3)
    report = trail.verify()
    assert report.is_true
    assert (report.sealed, report.unsealed, report.oldest_unsealed) == (size, 3, trail.at.isoformat())
    assert report.remarks == (f"3 entries are not sealed yet, the oldest of {trail.at.isoformat()}.",)


@pytest.mark.parametrize(
    "change",
    [
        "payload = payload || '{\"n\": 77}'",
        "kind = 'session.revoked'",
        "subject_id = 'mallory'",
        "subject_type = subject_id, subject_id = subject_type",
        "session_id = gen_random_uuid()",
        "at = at - interval '1 second'",
        "at = at - interval '3 months'",
        "xid = '3'",
    ],
)
def test_a_changed_entry_is_named(trail: Trail, change: str) -> None:
    (entry,) = trail.append()
    trail.append(count=7)
    trail.seal()
    assert trail.forge(f"UPDATE audit_entry SET {change} WHERE id = %s", [entry]) == 1  # noqa: S608 - ours
    report = trail.verify()
    assert report.count == 1
    assert f"id {entry} (" in report.findings[0]
    assert "was changed" in report.findings[0]


def test_an_entry_given_to_another_tenant_or_name_is_missed_and_found(trail: Trail) -> None:
    given, renamed = trail.append(count=2)
    trail.seal()
    trail.forge("UPDATE audit_entry SET tenant_id = %s WHERE id = %s", [trail.globex, given])
    other = uuid4()
    named = trail.name(renamed)
    trail.forge("UPDATE audit_entry SET id = %s WHERE id = %s", [other, renamed])
    found = trail.verify().findings
    assert len(found) == 3
    assert (
        found[0]
        == f"The entry of tenant {trail.globex} with seq {trail.seq(given)}, id {given} (decision at {_at(trail)}) was changed."
    )
    assert found[1].startswith(named)
    assert found[1].endswith("was removed.")
    assert f"id {other} " in found[2]
    assert "was inserted" in found[2]


def test_a_removed_entry_is_named(trail: Trail) -> None:
    first, last = trail.append(count=2)
    trail.seal()
    names = [trail.name(first), trail.name(last)]
    assert trail.forge("DELETE FROM audit_entry WHERE id = ANY(%s)", [[first, last]]) == 2
    report = trail.verify()
    assert [one for one, name in zip(report.findings, names, strict=True) if not one.startswith(name)] == []
    assert all(one.endswith("was removed.") for one in report.findings)


def test_entries_whose_order_was_swapped_are_both_named(trail: Trail) -> None:
    first, second = trail.append(count=2)
    trail.seal()
    one, other = trail.seq(first), trail.seq(second)
    for seq, entry in ((-1, first), (one, second), (other, first)):
        trail.forge("UPDATE audit_entry SET seq = %s WHERE id = %s", [seq, entry])
    found = trail.verify().findings
    assert len(found) == 2
    assert f"with seq {other}, id {first} " in found[0]
    assert found[0].endswith(f"was reordered: it was sealed with seq {one}.")
    assert f"with seq {one}, id {second} " in found[1]


@pytest.mark.parametrize("has_own_number", [True, False])
def test_an_entry_slipped_in_behind_the_seal_is_named(trail: Trail, *, has_own_number: bool) -> None:
    entry, seq = uuid4(), trail.one("SELECT min(seq) FROM audit_entry")[0]
    trail.forge(
        "INSERT INTO audit_entry (id, tenant_id, seq, kind, at, subject_type, subject_id, payload, xid) "
        "SELECT %s, tenant_id, CASE WHEN %s THEN -5 ELSE seq END, kind, at + interval '1 ms', '', '', payload, xid "
        "FROM audit_entry WHERE seq = %s",
        [entry, has_own_number, seq],
    )
    for _ in range(2):
        report = trail.verify()
        assert report.count == 1
        assert f"id {entry} " in report.findings[0]
        assert "was inserted" in report.findings[0]
        trail.append()
        audit.api.seal_all(at=trail.at, copies=trail.copies)


def test_a_number_used_twice_holds_up_no_sealing_and_is_named(trail: Trail) -> None:
    (entry,) = trail.append()
    twin = uuid4()
    trail.forge(
        "INSERT INTO audit_entry (id, tenant_id, seq, kind, at, subject_type, subject_id, payload, xid) "
        "SELECT %s, tenant_id, seq, kind, at + interval '1 ms', '', '', payload, xid FROM audit_entry WHERE id = %s",
        [twin, entry],
    )
    trail.append()
    trail.seal()
    report = trail.verify()
    assert report.count == 1
    assert f"id {entry} " in report.findings[0] or f"id {twin} " in report.findings[0]
    assert "was inserted" in report.findings[0]


def test_an_entry_dated_into_the_past_is_named_before_and_after_it_is_sealed(trail: Trail) -> None:
    (entry,) = trail.append(at=trail.at - timedelta(days=30))
    trail.append(at=trail.at - timedelta(minutes=50))
    for _ in range(2):
        report = trail.verify()
        assert report.count == 1
        assert f"id {entry} " in report.findings[0]
        assert "was inserted late: checkpoint" in report.findings[0]
        trail.seal()


def test_entries_that_wait_while_the_sealer_is_behind_are_not_late(trail: Trail) -> None:
    trail.append(count=9)
    trail.at += timedelta(days=2)
    trail.seal(batch=2)
    assert trail.verify().is_true


def test_one_tenants_entries_are_verified_alone(trail: Trail) -> None:
    (entry,) = trail.append(trail.globex)
    trail.seal()
    trail.forge("UPDATE audit_entry SET payload = '{}' WHERE id = %s", [entry])
    assert trail.verify(tenant_id=trail.acme).is_true
    assert f"id {entry} " in trail.verify(tenant_id=trail.globex).findings[0]


def test_a_rewritten_leaf_is_told_from_a_rewritten_entry(trail: Trail) -> None:
    (entry,) = trail.append()
    trail.seal()
    trail.forge("UPDATE audit_leaf SET hash = sha256('x') WHERE entry_id = %s", [entry])
    report = trail.verify()
    assert report.findings == (f"{trail.name(entry)}{_at(trail)}) stands, but the tree's note of it was changed.",)


def test_a_leaf_that_is_gone_or_names_another_entry_is_found(trail: Trail) -> None:
    first, second = trail.append(count=2)
    trail.seal()
    trail.forge("UPDATE audit_leaf SET entry_id = %s WHERE entry_id = %s", [uuid4(), first])
    found = trail.verify().findings
    assert f"id {first} " in found[0]
    assert found[0].endswith("the tree's note of whose leaf it is was changed.")
    trail.forge("DELETE FROM audit_leaf WHERE entry_id = %s", [second])
    found = trail.verify().findings
    assert any("was removed from the tree's table" in one for one in found)
    assert any(f"id {second} " in one and "was inserted" in one for one in found)


def test_an_entry_rewritten_together_with_the_whole_tree_is_still_named(trail: Trail) -> None:
    (entry,) = trail.append()
    trail.append(count=9)
    trail.seal()
    trail.forge("UPDATE audit_entry SET payload = '{\"n\": 77}' WHERE id = %s", [entry])
    _rewrite(trail)
    found = trail.verify().findings
    assert f"id {entry} " in found[0]
    assert found[0].endswith("was another one.")
    assert "was changed or moved, and the tree with it" in found[0]
    assert "the tree is not the one that checkpoint" in found[1].lower()


@pytest.mark.parametrize("has_copies", [True, False])
def test_a_tree_that_was_signed_anew_with_another_key_is_found(trail: Trail, *, has_copies: bool) -> None:
    (entry,) = trail.append()
    trail.seal()
    trail.forge("UPDATE audit_entry SET payload = '{\"n\": 77}' WHERE id = %s", [entry])
    _rewrite(trail, Signer(Ed25519PrivateKey.generate()))
    report = audit.api.verify(at=trail.at, copies=trail.copies if has_copies else None)
    assert any("no believed key signed it" in one for one in report.findings)
    if has_copies:
        assert any(f"id {entry} " in one and "was changed" in one for one in report.findings)
        assert any("is not what its copy says" in one for one in report.findings)
    with pytest.raises(audit.api.CannotSeal, match="which the database tells otherwise"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)
    with pytest.raises(audit.api.CannotSeal, match="not signed by a key that this process believes"):
        audit.api.seal_all(at=trail.at, copies=None)


def test_a_dropped_last_checkpoint_is_missed(trail: Trail) -> None:
    last, before = (trail.one("SELECT max(number) - %s FROM audit_checkpoint", [back])[0] for back in (0, 1))
    trail.forge("DELETE FROM audit_checkpoint WHERE number = %s", [last])
    report = trail.verify()
    assert report.findings[0].startswith(
        f"Checkpoint {last} was removed from the database: its copy of {trail.at:%Y-%m-%dT%H:%M}"
    )
    without = audit.api.verify(at=trail.at, copies=None)
    assert any("which no checkpoint holds" in one for one in without.findings)
    size = json.loads(trail.one("SELECT body FROM audit_checkpoint WHERE number = %s", [before])[0])["size"]
    trail.forge("DELETE FROM audit_leaf WHERE position >= %s", [size])
    assert trail.verify().count > 1
    with pytest.raises(audit.api.CannotSeal, match="does not hold"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)


def test_a_checkpoint_dropped_from_the_middle_or_changed_is_named(trail: Trail) -> None:
    trail.forge("DELETE FROM audit_checkpoint WHERE number = 3")
    trail.forge("UPDATE audit_checkpoint SET body = replace(body, 'a', 'b') WHERE number = 4")
    found = trail.verify().findings
    assert any(one.startswith("Checkpoint 3 was removed from the database") for one in found)
    assert any(one.startswith("Checkpoint 4 was changed") for one in found)
    assert any(one.startswith("Checkpoint 4 is not what its copy says") for one in found)


def test_a_copy_that_is_gone_or_changed_is_named(trail: Trail) -> None:
    (path,) = trail.copies.glob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    changed = json.loads(lines[2])
    changed["body"] = changed["body"].replace('"at":"20', '"at":"19')
    path.write_text("".join([lines[0], json.dumps(changed) + "\n", *lines[3:]]))
    found = trail.verify().findings
    assert any("The copy of checkpoint 2 was removed" in one for one in found)
    assert any(one.startswith("The copy of checkpoint 3 was changed: no believed key") for one in found)


def test_a_changed_node_or_peak_is_found(trail: Trail) -> None:
    trail.append(count=250)
    trail.seal(batch=1_000)
    assert trail.verify().is_true
    trail.forge("UPDATE audit_node SET hash = sha256('x')")
    trail.forge(
        "UPDATE audit_checkpoint SET peaks = sha256('x') WHERE number = (SELECT max(number) FROM audit_checkpoint)"
    )
    found = trail.verify().findings
    assert any("node 0 at level 8 was changed" in one for one in found)
    assert any("its peaks are not those of its tree" in one for one in found)
    with pytest.raises(audit.api.CannotSeal, match="its tree is not the one that was signed"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)


def _at(trail: Trail) -> str:
    """When entries happened that were appended before the last seal."""
    return f"{trail.at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.%f}Z"


def _rewrite(trail: Trail, signer: Signer | None = None) -> None:
    """Grow the whole tree anew over what stands there now; with a signer, sign every checkpoint anew."""
    frontier, hashes = Frontier(), []
    rows = trail.superuser.execute(
        f"SELECT {COLUMNS}, l.position, l.ordinal, l.previous_seq FROM audit_leaf l "  # noqa: S608 - ours
        "JOIN audit_entry e ON e.id = l.entry_id ORDER BY l.position".encode()
    ).fetchall()
    sizes = {0: frontier.root()}
    for row in rows:
        position, ordinal, previous_seq = row[-3:]
        hashed = hash_entry(read_entry(row), ordinal=ordinal, previous_seq=previous_seq)
        hashes.append(hashed)
        list(frontier.append(hashed))
        sizes[frontier.size] = frontier.root()
        trail.forge("UPDATE audit_leaf SET hash = %s WHERE position = %s", [hashed, position])
    if signer is None:
        return
    for number, body in trail.superuser.execute("SELECT number, body FROM audit_checkpoint ORDER BY 1").fetchall():
        told = Checkpoint.read(body)
        marks = b"".join(one[:MARK_BYTES] for one in hashes[told.previous_size : told.size])
        fields = {name: getattr(told, name) for name in Checkpoint.__slots__} | {
            "root": sizes[told.size],
            "marks": marks,
        }
        signed = signer.sign(body_of(Checkpoint(**fields)))
        trail.forge(
            "UPDATE audit_checkpoint SET body = %s, key_id = %s, signature = decode(%s, 'base64') WHERE number = %s",
            [signed.body, signed.key_id, base64.b64encode(signed.signature).decode(), number],
        )
