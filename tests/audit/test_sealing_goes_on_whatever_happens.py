"""Many write while it seals, sealers die, disks fail, databases move: nothing is skipped, forked, or sealed too early."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connections

import audit.api
from audit import tasks
from audit.checkpoints import body_of, newest_checkpoint
from audit.copies import newest_copy, read_copies
from audit.seal_keys import get_signer
from audit.sealing import seal
from audit.verifier import Checkpoint, Horizon, is_consistent, leaf_bytes, leaf_hash, root_of_path
from config.embedded import paths
from isolation.clock import now
from tests.attacks.parallel import at_once
from tests.audit.conftest import Trail

pytestmark = pytest.mark.django_db

APPEND = "SELECT audit_append(%s, %s, 'decision', %s, 'user', 'alice', NULL, '{\"by\": 1}'::jsonb)"


def is_sealed(trail: Trail, entry: UUID) -> bool:
    return trail.one("SELECT count(*) FROM audit_leaf WHERE entry_id = %s", [entry]) == (1,)


def test_an_entry_whose_transaction_lasts_is_neither_skipped_nor_sealed_early(trail: Trail) -> None:
    slow, fast = uuid4(), uuid4()
    with psycopg.connect(paths.database_url(paths.APP)) as writer:
        writer.execute(APPEND, [trail.acme, slow, trail.at])
        with psycopg.connect(paths.database_url(paths.APP), autocommit=True) as other:
            other.execute(APPEND, [trail.globex, fast, trail.at])
        for _ in range(3):
            assert audit.api.seal_all(at=trail.at, copies=trail.copies).sealed == 0
        assert trail.verify().unsealed == 1
    trail.seal()
    assert is_sealed(trail, slow)
    assert is_sealed(trail, fast)
    assert trail.verify().is_true
    order = "SELECT position FROM audit_leaf WHERE entry_id = %s"
    assert trail.one(order, [slow]) < trail.one(order, [fast])


def test_an_entry_that_is_rolled_back_leaves_no_hole(trail: Trail) -> None:
    with suppress(RuntimeError), psycopg.connect(paths.database_url(paths.APP)) as writer:
        writer.execute(APPEND, [trail.acme, uuid4(), trail.at])
        raise RuntimeError
    trail.append()
    trail.seal()
    assert trail.verify().is_true


def test_many_append_while_many_seal(trail: Trail) -> None:
    ended = Event()
    failed: list[Exception] = []

    def keep_sealing() -> None:
        while not ended.is_set():
            try:
                audit.api.seal_all(at=now(), copies=trail.copies, batch=7)
            except Exception as error:  # noqa: BLE001 - the test looks at what was raised
                failed.append(error)
                break
        connections.close_all()

    def append(number: int) -> None:
        with psycopg.connect(paths.database_url(paths.APP)) as writer:
            for n in range(60):
                tenant = trail.globex if (number + n) % 3 else trail.acme
                writer.execute("SELECT set_config('app.tenant_id', '', true)")
                writer.execute(APPEND, [tenant, uuid4(), now()])
                if n % 7 == 3:
                    writer.rollback()
                elif n % 4:
                    writer.commit()
                    continue
                # Its own transaction goes on over the next entry, so that numbers and commits cross.
                writer.execute("SELECT set_config('app.tenant_id', '', true)")
                writer.execute(APPEND, [tenant, uuid4(), now()])
                writer.commit()

    sealers = [Thread(target=keep_sealing) for _ in range(3)]
    for sealer in sealers:
        sealer.start()
    try:
        results = at_once(append, count=4)
    finally:
        ended.set()
        for sealer in sealers:
            sealer.join()
    assert results == [None] * 4
    assert failed == []
    trail.seal()
    report = trail.verify()
    assert report.findings == ()
    assert report.sealed == trail.size() > 240
    positions = trail.one("SELECT count(*), max(position) + 1, count(DISTINCT seq) FROM audit_leaf")
    assert positions == (report.sealed,) * 3


def test_two_sealers_at_once_never_fork_the_tree(trail: Trail) -> None:
    trail.append(count=40)
    done = at_once(lambda _n: seal(at=trail.at, limit=3), count=6)
    assert [one for one in done if isinstance(one, Exception)] == []
    trail.seal()
    assert trail.verify().is_true


def test_each_batch_reads_only_what_it_seals(trail: Trail) -> None:
    plans: list[str] = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 - as Django calls it
        if "FROM audit_entry e" in sql:
            execute(f"EXPLAIN {sql}", parameters, many, context)
            plans.append("\n".join(row[0] for row in context["cursor"].fetchall()))
        return execute(sql, parameters, many, context)

    trail.superuser.execute("ANALYZE audit_entry")
    trail.append(count=30)
    with connections["sweep"].execute_wrapper(explain):
        trail.seal()
    assert len(plans) > 7
    for plan in plans:
        assert "xid_seq_idx" in plan
        assert "Sort  (" not in plan


@pytest.mark.storm
def test_a_sealer_killed_at_any_point_leaves_a_tree_that_the_next_one_continues(trail: Trail, tmp_path: Path) -> None:
    steps = 48
    trail.append(count=9 * steps)
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit.sealing_child", str(trail.copies), str(steps)],
        cwd=paths.CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"{step} killed" for step in range(1, steps + 1)]
    before = trail.verify()
    assert before.findings == ()
    assert before.unsealed > 0
    trail.seal()
    after = trail.verify()
    assert (after.findings, after.remarks, after.sealed) == ((), (), trail.size())


def test_a_copy_that_was_cut_short_is_written_again(trail: Trail) -> None:
    (path,) = trail.copies.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    number = len(lines)
    assert newest_copy(trail.copies)[0] == number - 1
    assert audit.api.seal_all(at=trail.at, copies=trail.copies).copied == 1
    assert newest_copy(trail.copies)[0] == number
    assert [line[3] for line in read_copies(trail.copies)] == [*range(1, number), 0, number]
    report = trail.verify()
    assert report.findings == ()
    assert report.remarks == ("1 lines of the copies cannot be read: cut short, or written over.",)


def test_a_seal_stands_whose_copy_fails_and_the_copy_is_made_once_it_can(trail: Trail, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("no directory")
    trail.append(count=3)
    for _ in range(3_000):
        with pytest.raises(OSError, match="blocked"):
            audit.api.seal_all(at=trail.at, copies=blocked)
        if not trail.verify().unsealed:
            break
    report = trail.verify()
    assert report.findings == ()
    assert report.remarks[0].endswith("are not copied yet.")
    blocked.unlink()
    number = trail.one("SELECT max(number) FROM audit_checkpoint")[0]
    # More than one was made where an entry beside these was still to be committed.
    lacking = number - newest_copy(trail.copies)[0]
    assert lacking >= 1
    assert audit.api.seal_all(at=trail.at, copies=blocked).copied == number
    assert audit.api.seal_all(at=trail.at, copies=trail.copies).copied == lacking
    assert audit.api.verify(at=trail.at, copies=blocked).remarks == ()


def test_a_new_key_goes_on_where_the_old_one_signed(trail: Trail, settings: Any) -> None:
    old = get_signer().key.public_key().public_bytes_raw()
    settings.SEAL_KEY = bytes(range(32))
    trail.append()
    with pytest.raises(audit.api.CannotSeal, match="not signed by a key that this process believes"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)
    settings.SEAL_PUBLIC_KEYS = [old]
    trail.seal()
    assert trail.verify().is_true
    assert trail.one("SELECT count(DISTINCT key_id) FROM audit_checkpoint") == (2,)
    settings.SEAL_KEY = None
    assert any("no believed key signed it" in one for one in trail.verify().findings)
    with pytest.raises(audit.api.CannotSeal, match="TIERGATE_SEAL_KEY is not set"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)


def _moved(trail: Trail, xid: int, cluster: str = "another") -> None:
    """Make the last checkpoint one of a server that had counted its transactions further, as a restored dump's is."""
    kept = newest_checkpoint()
    assert kept is not None
    told = kept.told()
    fields = {name: getattr(told, name) for name in Checkpoint.__slots__}
    fields["horizon"] = Horizon(cluster, told.horizon.after_seq, is_carrying=False, xid=xid, seq=0)
    signed = get_signer().sign(body_of(Checkpoint(**fields)))
    trail.forge(
        "UPDATE audit_checkpoint SET body = %s, signature = %s WHERE number = %s",
        [signed.body, signed.signature, kept.number],
    )
    for path in trail.copies.glob("*.jsonl"):
        path.unlink()


@pytest.mark.parametrize("far", [10**12, 3])
def test_a_restored_database_that_counts_its_transactions_anew_goes_on_being_sealed(trail: Trail, far: int) -> None:
    waited = trail.append(count=9)
    foreign = trail.forge("UPDATE audit_entry SET xid = (%s + seq)::text::xid8 WHERE id = ANY(%s)", [far, waited])
    assert foreign == 9
    _moved(trail, xid=far)
    trail.append(count=3)
    trail.seal(batch=2)
    trail.append(count=3)
    trail.seal(batch=2)
    report = trail.verify()
    assert (report.findings, report.sealed) == ((), trail.size())
    slipped = uuid4()
    trail.forge(
        "INSERT INTO audit_entry (id, tenant_id, seq, kind, at, subject_type, subject_id, payload, xid) "
        "SELECT %s, tenant_id, -1, kind, at, '', '', payload, xid FROM audit_entry WHERE id = %s",
        [slipped, waited[4]],
    )
    assert [f"id {slipped} " in one and "was inserted" in one for one in trail.verify().findings] == [True]


def test_a_restore_to_before_a_copied_checkpoint_is_not_built_on(trail: Trail) -> None:
    trail.forge("DELETE FROM audit_checkpoint WHERE number > 3")
    trail.forge("DELETE FROM audit_leaf WHERE position >= (SELECT max(size) FROM audit_checkpoint)")
    with pytest.raises(audit.api.CannotSeal, match=r"know checkpoint .*, which the database does not hold"):
        audit.api.seal_all(at=trail.at, copies=trail.copies)
    assert any("was removed from the database" in one for one in trail.verify().findings)
    trail.copies.rename(trail.copies.with_name("kept aside"))
    trail.seal()
    assert trail.verify().is_true


def test_the_tasks_seal_copy_and_make_months(trail: Trail, settings: Any) -> None:
    settings.SEAL_DIR = trail.copies
    trail.append(at=now())
    for _ in range(3_000):
        tasks.seal_trail()
        if not trail.verify().unsealed:
            break
    tasks.make_parts()
    assert trail.verify().remarks == ()
    assert trail.verify().findings == ()
    names = {one["task"] for one in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {tasks.seal_trail.name, tasks.make_parts.name} <= names


def test_the_command_verifies_and_names_a_forgery(
    trail: Trail, settings: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings.SEAL_DIR = trail.copies
    call_command("audit", "verify")
    assert capsys.readouterr().out == f"All {trail.size()} sealed entries stand as they were sealed.\n"
    (entry,) = trail.append()
    call_command("audit", "seal")
    trail.seal()
    trail.forge("UPDATE audit_entry SET payload = '{}' WHERE id = %s", [entry])
    with pytest.raises(CommandError, match="1 findings in") as refused:
        call_command("audit", "verify", "--copies", str(trail.copies))
    assert refused.value.returncode == 1
    assert trail.name(entry) in capsys.readouterr().out
    call_command("audit", "verify", "--tenant", "globex")
    export = tmp_path / "globex.jsonl"
    call_command("audit", "export", "--tenant", str(trail.globex), "--output", str(export), "--since-checkpoint", "2")
    assert json.loads(export.read_text().splitlines()[1])["tenant_id"] == str(trail.globex)
    call_command("audit", "partitions")
    call_command("audit", "public-key")
    call_command("audit", "new-key")
    told = capsys.readouterr().out
    assert f"{now():%Y-%m}: there" in told
    assert told.count("-----BEGIN PUBLIC KEY-----") == 2


def test_an_entry_is_proved_to_be_sealed(trail: Trail) -> None:
    (entry,) = trail.append(trail.globex)
    with pytest.raises(audit.api.NotSealed):
        audit.api.prove_inclusion(tenant_id=trail.globex, entry_id=entry)
    with pytest.raises(audit.api.EntryNotFound):
        audit.api.prove_inclusion(tenant_id=trail.acme, entry_id=entry)
    trail.seal()
    trail.append(count=300)
    trail.seal(batch=100)
    proof = audit.api.prove_inclusion(tenant_id=trail.globex, entry_id=entry)
    told = Checkpoint.read(proof.checkpoint.body)
    root = root_of_path(leaf_hash(leaf_bytes(proof.entry)), position=proof.position, size=proof.size, path=proof.path)
    assert root == told.root
    grown = audit.api.prove_consistency(older=3)
    old, new = Checkpoint.read(grown.older.body), Checkpoint.read(grown.newer.body)
    assert is_consistent(old.size, old.root, new.size, new.root, grown.path)
    with pytest.raises(audit.api.NotSealed):
        audit.api.prove_consistency(older=99_999)
