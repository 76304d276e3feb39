"""Sources, views, tasks and commands are walked: whoever looks beyond one tenant is listed with the reason, or found."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import get_resolver

from config.celery import app as celery
from decisions.checks import walk
from tests.isolation import sources
from tests.isolation.sources import ROOMS, ROOT

# Sources that name the role that sees every tenant (or the owner), each with why it must.
SEES_ALL = {
    "config/settings.py": "says by which role each alias connects",
    "config/embedded/paths.py": "names the embedded server's roles",
    "config/embedded/roles.py": "makes the embedded server's roles",
    "config/management/commands/migrate.py": "the schema is the owner's",
    "config/management/commands/showmigrations.py": "the schema is the owner's",
    "config/management/commands/sqlmigrate.py": "the schema is the owner's",
    "config/operation/figures.py": "counts what waits, of all tenants together",
    "console/operator.py": "the vendor's staff look at every tenant, read-only",
    "audit/storing.py": "stores routine records of all tenants, each under the tenant that it says",
    "audit/draining.py": "takes routine records of all tenants from the stream",
    "audit/checkpoints.py": "one tree seals every tenant's trail",
    "audit/sealing.py": "one tree seals every tenant's trail",
    "audit/partitions.py": "makes the months in which every tenant's entries lie",
    "audit/backlog.py": "counts what is not sealed yet, of all tenants together",
    "audit/verification.py": "whether the trail stands is asked of all of it",
    "audit/proofs.py": "a path through the one tree passes other tenants' hashes; the entry is asked for by its tenant",
    "audit/exporting.py": "an export is of all, or of one tenant by its id",
    "audit/people.py": "seals every person's key anew when the ring turns",
    "audit/sweeping.py": "reads entries of all tenants, for who decides again what was decided, or counts it",
    "decisions/policy/recorded.py": "asks whether it may: what a rule would have done is asked of all tenants' decisions",
    "billing/calls.py": "finds calls of all tenants that are due; what follows from each is written within its tenant",
    "billing/closing.py": "finds closed tenants that still pay; what each pays for is ended within its tenant",
    "billing/returning.py": "finds whose checkout a session is, and is shown nothing else of it",
    "billing/inbox.py": "deletes events that are too old to come again, of whomever",
    "billing/looking.py": "the vendor's operator alone looks at what came in and what waits, of all tenants",
    "billing/letters.py": "lists what a person must look at, of all tenants",
    "billing/resolving.py": "asks whose an event is, before its tenant is known",
    "billing/standing.py": "counts what waits, of all tenants together",
    "billing/management/commands/billing.py": "has what was held be read again, of all tenants",
    "licensing/tenant_search.py": "the vendor's operator alone finds tenants by what they are on, of all tenants",
    "licensing/invitations.py": "forgets the addresses of invitations of all tenants that are over, and reads none",
    "licensing/usage/settling.py": "finds reservations of all tenants that are over; each is given back within its tenant",
    "licensing/telling.py": "finds whose entitlements changed by themselves, of all tenants; each is told within its tenant",
    "licensing/webhooks/handing_out.py": "events of all tenants go to the vendor's endpoints, each as its tenant's",
    "licensing/webhooks/delivering.py": "what is sent to the vendor is of all tenants, each delivery of its own event",
    "licensing/webhooks/resealing.py": "seals every secret of webhooks anew when the ring turns",
    "licensing/webhooks/pinging.py": "sends the vendor's own endpoint a message that tells of no tenant",
    "licensing/webhooks/replaying.py": "the vendor alone reads what was sent, of all tenants",
    "riskengine/draining.py": "stores how sessions of all tenants looked, each under the tenant that it says",
    "riskengine/folding.py": "signals of all tenants wait in one line; each teaches the profile of its own tenant's person",
    "riskengine/recomputing.py": "walks through the profiles of all tenants, and counts each tenant's for itself",
    "riskengine/calibrating.py": "writes where bands begin for those with few scores; each tenant's are read and kept within it",
    "riskengine/expiring.py": "deletes what is too old of all tenants, and reads none",
    "riskengine/figures/of_tenants.py": "the vendor's operator alone sees how sessions look in tenants side by side, as counts",
    "riskengine/clearing.py": "has Valkey let go of what was erased in all tenants: names of keys, and nothing of anybody",
    "riskengine/turns.py": "locks a number, so that tasks over all tenants are done once at a time; reads nothing",
    "authlevels/rotation.py": "seals every secret anew when the ring turns",
    "authlevels/forgetting.py": "deletes requests of all tenants that waited for too long, and from where old sessions came; reads neither",
    "authlevels/notice_sending.py": "sends what is due to people of all tenants, each from its own row",
    "authlevels/token_ends.py": "finds expired tokens of all tenants; each is told within its tenant",
    "authlevels/untold_ends.py": "finds what triggers ended in all tenants; each is told within its tenant",
    "authlevels/management/commands/keys.py": "turns the key ring, for all tenants",
    "licensing/pending.py": "finds changes of all tenants that are due; each is made within its tenant",
    "licensing/plans/holders.py": "counts who is on a version, of all tenants, for the vendor's operator alone",
    "licensing/plans/migrating.py": "finds who is on a version; each is shown and moved within its tenant",
}
CONNECTS_ITSELF = {
    "config/embedded/postgres.py": "the embedded server's own superuser asks whether it is up",
    "config/embedded/roles.py": "the embedded server's own superuser makes the roles",
    "config/operation/checks.py": "the start asks by which role the app connects",
    "isolation/postgresql/base.py": "looks whether the database is back, by the alias's own role; reads nothing",
    "config/operation/readiness.py": "a probe has a connection of its own, by the app's role, and reads no row",
}
NAMES_ANY = {
    "config/door.py": "gives back the connections of every alias, and asks nothing by any",
    "isolation/borrowed.py": "lends connections to whatever alias its caller names, and asks nothing by any",
}
YIELDS_WITHIN = {
    "audit/exporting.py: export_lines": "one read-only snapshot of the sweep's role, for a command and its file alone",
}
NAMES_BY_OTHER = {
    "SignInView": "who signs in says where; nothing is told but whether all three are right",
    "sign_in": "who signs in says where; nothing is told but whether all three are right",
    "show_tenant": "the vendor's operator alone is let in, and says whom to look at",
    "put_override": "the vendor's operator alone is let in, and says with whom something was agreed",
    "end_override": "the vendor's operator alone is let in, and says with whom something was agreed",
    "MigrationListView": "the vendor's operator alone is let in, and names whom to move",
    "_tenant_named": "a vendor's service names one; whether it reaches it is asked before anything else",
    "ImpersonationsView": "the vendor's support alone is let in, and names whose member they act as",
    "SharedReportView": "the tenant is in the address's signature",
    "_csv": "given by a decision, or by the address's signature",
    "join": "the link names it, and the invitation's secret beside it opens that tenant's invitation alone",
    "read_sent": "the vendor's operator alone is let in, and names for whom rules are tried",
    "change_policy": "the vendor's operator alone is let in, and names for whom rules are tried",
    "stage_after": "the vendor's operator alone is let in, and names for whom rules are tried",
    "_tenants_touched": "the vendor's operator alone is let in, and is shown whom a change of rules touches: all, and the vendor",
    "ActivationListView": "the vendor's services and operators alone are let in, and name for whom rules are tried",
    "_joined": "of the invitation that the link's secret opened",
}
CROSS_TENANT_TASKS = {
    "audit.tasks": "the trail is drained, sealed and parted for all tenants at once",
    "licensing.tasks": "what is over, due or to be told is found over all tenants; each is told within its tenant",
    "authlevels.tasks": "signing keys are the installation's; expired tokens and requests are found over all tenants",
    "billing.tasks": "events and accounts at Stripe wait for all tenants in one line; each is settled within its tenant",
    "decisions.tasks": "a plan of policy looks at the decisions of all tenants, by the sweep's role",
    "riskengine.tasks": "signals and profiles of all tenants are taken in one line, each kept within its tenant",
    "audit.draining": "the trail's stream holds every tenant's records",
}
COMMANDS = {
    "audit": "show and erase are of one tenant, who must be named; seal, verify and export are of all, by the sweep's role",
    "billing": "compares, lists and has read again all tenants' accounts at Stripe; changes what a tenant has within it alone",
    "catalog": "the catalogue is no tenant's",
    "credentials": "of one tenant, who must be named",
    "demo": "runs processes",
    "entitlements": "of one tenant, who must be named",
    "explain": "of one tenant, who must be named",
    "keys": "turns the key ring for all tenants, by the sweep's role",
    "migrate": "as the owner, who owns the schema",
    "plans": "the catalogue is no tenant's; a move shows and does each tenant's part within that tenant",
    "policy": "rules are no tenant's; plan, replay and shadow look at the decisions of all, by the sweep's role",
    "risk": "lists and maps of networks are no tenant's; export and erase are of one tenant, who must be named",
    "showmigrations": "as the owner, who owns the schema",
    "signing_keys": "the keys that sign tokens are no tenant's",
    "sqlmigrate": "as the owner, who owns the schema",
    "webhooks": "the endpoints are the vendor's, and so is what was sent there of all tenants",
    "tenants": "makes the tenants that a file names, one transaction of each",
}


def test_the_role_that_sees_every_tenant_is_named_where_it_must_be_alone() -> None:
    found = {path for path, tree in sources.sources() if sources.names_every_tenant(tree)}
    assert found - set(SEES_ALL) == set()


def test_every_alias_can_be_read_where_it_is_used() -> None:
    found = {path: list(sources.unreadable_aliases(tree)) for path, tree in sources.sources()}
    assert {path: told for path, told in found.items() if told and path not in NAMES_ANY} == {}


def test_nothing_connects_past_the_aliases() -> None:
    found = {path: list(sources.own_connections(tree)) for path, tree in sources.sources()}
    assert {path: told for path, told in found.items() if told and path not in CONNECTS_ITSELF} == {}


def test_no_sql_of_ours_names_a_tenant_or_role_for_longer_than_a_transaction() -> None:
    assert [f"{path}: {told}" for path, tree in sources.sources() for told in sources.settings_for_good(tree)] == []


def test_no_generator_is_left_half_way_in_a_transaction() -> None:
    found = {f"{path}: {told.split()[0]}" for path, tree in sources.sources() for told in sources.half_way(tree)}
    assert found - set(YIELDS_WITHIN) == set()


def view_sources() -> set[str]:
    """List the sources of ours that hold whatever the URL configuration leads to."""
    modules = {(getattr(view, "cls", None) or inspect.unwrap(view)).__module__ for _route, view in walk(get_resolver())}
    return {f"{name.replace('.', '/')}.py" for name in modules if name.partition(".")[0] in ROOMS}


def test_every_view_takes_its_tenant_from_who_calls_or_from_the_guarded_path() -> None:
    seen = view_sources()
    assert len(seen) > 10
    found = [
        f"{path}: {told}"
        for path in sorted(seen)
        for told in sources.tenants_not_the_callers(ast.parse((ROOT / path).read_text()), allowed=NAMES_BY_OTHER)
    ]
    assert found == []


def tasks() -> dict[str, Any]:
    """List our own tasks by name, from Celery's registry."""
    celery.autodiscover_tasks(force=True)
    celery.loader.import_default_modules()
    return {name: task for name, task in celery.tasks.items() if name.partition(".")[0] in ROOMS}


def task_complaints(name: str, function: Callable[..., Any], seeing: set[str]) -> Iterator[str]:
    """Say what is wrong with a task: it serves one tenant, or is listed and uses the role for that."""
    module = function.__module__
    if "tenant_id" in inspect.signature(function).parameters:
        if "tenant_transaction" not in inspect.getsource(function) and "tenant_id=" not in inspect.getsource(function):
            yield f"{name} is given a tenant and does not serve it"
    elif module not in CROSS_TENANT_TASKS:
        yield f"{name} is of no tenant, and not listed as of all"
    elif not _reached(module) & seeing:
        yield f"{name} is of all tenants, and nothing that it imports uses the role that sees them"


@cache
def _reached(module: str) -> set[str]:
    """List the sources that a module imports of its own room, and itself."""
    room, found, waiting = module.partition(".")[0], set[str](), [module]
    known = dict(sources.sources())
    while waiting:
        name = waiting.pop()
        path = f"{name.replace('.', '/')}.py"
        if path in found or path not in known:
            continue
        found.add(path)
        for node in sources.nodes(known[path]):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(room):
                waiting += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
    return found


def test_every_task_serves_one_tenant_or_is_listed_and_uses_the_role_for_all() -> None:
    seeing = {path for path, tree in sources.sources() if sources.names_every_tenant(tree)}
    found = tasks()
    assert [
        told for name, task in found.items() for told in task_complaints(name, inspect.unwrap(task.run), seeing)
    ] == []
    assert {task.run.__module__ for task in found.values()} <= {*CROSS_TENANT_TASKS, *sys.modules}


def test_every_command_is_listed_with_whose_rows_it_handles() -> None:
    ours = {name for name, room in get_commands().items() if str(room).partition(".")[0] in ROOMS}
    assert ours - set(COMMANDS) == set()


@pytest.mark.parametrize("listed", [SEES_ALL, CONNECTS_ITSELF])
def test_every_source_that_is_listed_is_there_and_needs_it(listed: dict[str, str]) -> None:
    assert all(len(why) > 15 for why in listed.values())
    inspect_it: Callable[[ast.Module], Any] = (
        sources.names_every_tenant if listed is SEES_ALL else lambda tree: list(sources.own_connections(tree))
    )
    needing = {path for path, tree in sources.sources() if inspect_it(tree)}
    assert set(listed) - needing == set()


PLANTED: dict[str, tuple[Callable[[ast.Module], Any], str]] = {
    "literal": (sources.names_every_tenant, "rows = Member.objects.using('sweep')"),
    "constant": (sources.names_every_tenant, "from audit.storing import SWEEP"),
    "keyword": (sources.names_every_tenant, "with transaction.atomic(using='owner'): ..."),
    "subscript": (sources.names_every_tenant, "connections['owner'].cursor()"),
    "computed": (sources.unreadable_aliases, "Member.objects.using(settings.WHATEVER)"),
    "joined": (sources.unreadable_aliases, "connections['sw' + 'eep']"),
    "by hand": (sources.own_connections, "import psycopg\npsycopg.connect(settings.URL)"),
    "pool": (sources.own_connections, "from psycopg_pool import ConnectionPool\nConnectionPool(x)"),
    "set": (sources.settings_for_good, "cursor.execute('SET app.tenant_id = %s', [x])"),
    "set_config": (sources.settings_for_good, "q = \"SELECT set_config('app.tenant_id', %s, false)\""),
    "role": (sources.settings_for_good, "cursor.execute('SET ROLE tiergate_sweep')"),
    "generator": (
        sources.half_way,
        "def rows(t):\n  with tenant_transaction(t):\n    for r in Member.objects.all():\n      yield r",
    ),
    "body": (
        sources.tenants_not_the_callers,
        "class V(APIView):\n def post(self, request):\n  list_members(tenant_id=get_tenant(request.data['tenant']).id)",
    ),
    "validated": (
        sources.tenants_not_the_callers,
        (
            "class V(APIView):\n def post(self, request):\n  given = body.validated_data\n  t = get_tenant(given['tenant']).id\n"
            "  list_members(tenant_id=t)"
        ),
    ),
    "unguarded path": (
        sources.tenants_not_the_callers,
        "class V(APIView):\n def get(self, request, tenant):\n  list_members(tenant_id=get_tenant(tenant).id)",
    ),
    "transaction": (
        sources.tenants_not_the_callers,
        "def page(request):\n with tenant_transaction(UUID(request.GET['t'])): ...",
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_source_that_looks_beyond_its_tenant_is_found(planted: str) -> None:
    look, source = PLANTED[planted]
    found = look(ast.parse(source))
    assert found if isinstance(found, bool) else list(found)


@pytest.mark.parametrize(
    "source",
    [
        "class V(APIView):\n tenant_kwarg = 'tenant'\n def get(self, request, tenant):\n  f(tenant_id=get_tenant(tenant).id)",
        "class V(APIView):\n def get(self, request):\n  session, at = own_session(request), now()\n  f(tenant_id=session.tenant_id)",
        "class V(APIView):\n def get(self, request):\n  f(tenant_id=_answer(request).home)",
    ],
)
def test_a_view_that_serves_its_caller_is_fine(source: str) -> None:
    assert list(sources.tenants_not_the_callers(ast.parse(source))) == []


def _of_nobody() -> None: ...


def _of_one(tenant_id: str) -> None:
    pass


@pytest.mark.parametrize("task", [_of_nobody, _of_one])
def test_a_task_that_serves_nobody_in_particular_is_found(task: Callable[..., Any]) -> None:
    assert list(task_complaints("planted", task, set()))
