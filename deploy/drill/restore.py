"""The whole way of a backup: fill a database, dump it, destroy it, bring it back, and compare."""

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, LiteralString

from psycopg import sql

from config.embedded.paths import OWNER
from deploy.drill.cluster import ROOT, Cluster, DrillError, machine
from deploy.drill.installation import Installation, installation, made_secrets, valkey
from deploy.drill.questions import answers, subscribe

# What keeps tenants apart and history as it was: none of it may be lost on the way.
_GUARDS: Final[Mapping[str, LiteralString]] = {
    "policies": "SELECT schemaname || tablename || policyname || roles::text || cmd || qual || with_check FROM pg_policies",
    "row security": (
        "SELECT oid::regclass::text || relrowsecurity || relforcerowsecurity FROM pg_class"
        " WHERE relnamespace IN ('public'::regnamespace, 'audit_parts'::regnamespace) AND relkind IN ('r', 'p')"
    ),
    "triggers": (
        "SELECT tgrelid::regclass::text || pg_get_triggerdef(t.oid) || tgenabled::text FROM pg_trigger t WHERE NOT tgisinternal"
    ),
    "constraints": (
        # Read back, an expression is written with its casts and brackets elsewhere.
        "SELECT conrelid::regclass::text || conname || convalidated ||"
        " regexp_replace(pg_get_constraintdef(oid), '::[a-z ]+(\\[\\])?|[() ]', '', 'g') FROM pg_constraint"
        " WHERE connamespace IN ('public'::regnamespace, 'audit_parts'::regnamespace)"
    ),
    "rights": (
        "SELECT c.oid::regclass::text || r.rolname || p FROM pg_class c, pg_roles r,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
        " WHERE c.relnamespace IN ('public'::regnamespace, 'audit_parts'::regnamespace) AND c.relkind IN ('r', 'p')"
        " AND r.rolname IN ('tiergate_app', 'tiergate_sweep') AND CASE WHEN p IN ('DELETE', 'TRUNCATE')"
        " THEN has_table_privilege(r.rolname, c.oid, p) ELSE has_any_column_privilege(r.rolname, c.oid, p) END"
    ),
    "functions": (
        "SELECT p.oid::regprocedure::text || prosecdef || coalesce(proconfig::text, '') || coalesce(proacl::text, '')"
        " || md5(prosrc) FROM pg_proc p"
        " WHERE pronamespace = 'public'::regnamespace AND proowner = 'tiergate_owner'::regrole"
    ),
}
NUMBERED_ANEW: Final = frozenset({"licensing_generation", "authlevels_standing"})
"""Counters of states: the same number must not come to mean another one."""

_TABLES: Final = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a database holds and answers.

    rows: by table. content: by table, a digest of its rows. guards: by kind, policies, triggers and rights.
    answered: outcome and reason by question.
    verified: what the verifier of the trail said, without what differs from run to run.
    """

    rows: Mapping[str, int]
    content: Mapping[str, str]
    guards: Mapping[str, frozenset[str]]
    answered: Mapping[str, tuple[str, str]]
    verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A drill's result. resealed: what the verifier said once the restored trail was written and sealed on."""

    before: Held
    after: Held
    resealed: str
    dump_bytes: int

    @property
    def differences(self) -> list[str]:
        """Name what is not as it was; the numbers of states are made anew on purpose."""
        found = [
            f"{table}: {self.before.rows.get(table)} rows before, {self.after.rows.get(table)} after"
            for table in sorted({*self.before.rows, *self.after.rows})
            if self.before.rows.get(table) != self.after.rows.get(table)
        ]
        found += [
            f"{table}: its rows have another content"
            for table, digest in self.before.content.items()
            if table not in NUMBERED_ANEW and self.after.content.get(table) != digest
        ]
        found += [
            f"{question}: {was} before, {self.after.answered.get(question)} after"
            for question, was in self.before.answered.items()
            if self.after.answered.get(question) != was
        ]
        found += [
            f"{kind}: {sorted(was ^ self.after.guards[kind])[:3]} differ"
            for kind, was in self.before.guards.items()
            if was != self.after.guards[kind]
        ]
        if self.before.verified != self.after.verified:
            found.append(f"the trail: {self.before.verified!r} before, {self.after.verified!r} after")
        return found


def restore_drill(say: Callable[[str], None]) -> Restored:
    """Do it on servers of this machine that are made for it and removed again.

    :raises DrillError: a step failed.
    """
    secrets = made_secrets()
    with ExitStack() as held:
        here = held.enter_context(machine(secrets))
        redis_url = held.enter_context(valkey(here))
        first = here.cluster("first")
        _fresh(first)
        say("A fresh PostgreSQL, roles by deploy/roles.sql, migrations, the demo's vendor ...")
        with installation(here, secrets=secrets, cluster=first, valkey_url=redis_url) as ours:
            made = ours.seed()
            web = ours.start("web")
            if subscribe(web, made, "acme", "business") is None or subscribe(web, made, "acme", "starter") is None:
                raise DrillError(f"The plan could not be changed:\n{web.last_words()}")
            answers(web, made)
            seal(ours)
            # What is asked now is recorded too, so that the counts are taken after it, with nothing running.
            answered = answers(web, made)
            ours.end()
            before = _held(ours, first, answered)
        say(f"Dumping {sum(before.rows.values())} rows by deploy/backup ...")
        dump = backup(first, here.root)
        say("Destroying the server, its data and Valkey ...")
        first.destroy()
        second = here.cluster("second")
        _fresh(second)
        say("Bringing it back by deploy/restore into a new server ...")
        restore(second, dump)
        with (
            valkey(here) as empty,
            installation(here, secrets=secrets, cluster=second, valkey_url=empty) as ours,
        ):
            counted = _held(ours, second, {})
            answered = answers(ours.start("web"), made)
            seal(ours)
            resealed = verified(ours)
        after = replace(counted, answered=answered)
        return Restored(before=before, after=after, resealed=resealed, dump_bytes=dump.stat().st_size)


def backup(cluster: Cluster, directory: Path) -> Path:
    """Dump a cluster's database with the script that an operator runs.

    :raises DrillError: it failed.
    """
    said = _script("backup", cluster, str(directory), DATABASE_BACKUP_URL=cluster.url("tiergate_backup"))
    return Path(said.splitlines()[-1])


def restore(cluster: Cluster, dump: Path) -> None:
    """Bring a dump back with the script that an operator runs.

    :raises DrillError: it failed.
    """
    _script("restore", cluster, str(dump), DATABASE_OWNER_URL=cluster.url(OWNER))


def seal(ours: Installation) -> None:
    """Seal what the trail holds.

    :raises DrillError: it failed.
    """
    done = ours.manage("audit", "seal")
    if done.returncode:
        raise DrillError(f"The trail could not be sealed:\n{done.stderr.strip()}")


def verified(ours: Installation) -> str:
    """Verify the trail, and return what was said of it.

    :raises DrillError: it is not as it was sealed.
    """
    done = ours.manage("audit", "verify")
    if done.returncode:
        raise DrillError(f"The trail does not verify:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()


def _fresh(cluster: Cluster) -> None:
    cluster.make()
    cluster.start()
    cluster.prepare()


def _held(ours: Installation, cluster: Cluster, answered: Mapping[str, tuple[str, str]]) -> Held:
    rows, content = {}, {}
    with cluster.superuser() as connection:
        for (table,) in connection.execute(_TABLES).fetchall():
            name = sql.Identifier(table)
            found = connection.execute(
                sql.SQL(
                    "SELECT count(*), md5(coalesce(string_agg(r::text, '\n' ORDER BY r::text), '')) FROM {} r"
                ).format(name)
            ).fetchone()
            if found is None:
                raise DrillError(f"{table} cannot be counted.")
            rows[table], content[table] = found
        guards = {kind: frozenset(str(row[0]) for row in connection.execute(query)) for kind, query in _GUARDS.items()}
    return Held(rows=rows, content=content, guards=guards, answered=answered, verified=verified(ours))


def _script(name: str, cluster: Cluster, argument: str, **given: str) -> str:
    binaries = str(Path(cluster.program("psql")).parent)
    done = subprocess.run(
        [str(ROOT / "deploy" / name), argument],
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "PG_BINARIES": binaries, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DrillError(f"deploy/{name} failed:\n{done.stderr.strip()}")
    return done.stdout
