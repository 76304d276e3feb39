"""One tenant, one person and a small catalogue, in a database that is made for the run and dropped after it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from config.embedded import ensure_running, paths, roles

DATABASE = "tiergate_bench"
_TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # nobody's
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "TIERGATE_EMBEDDED_DATABASE": DATABASE,
    # Of the 256, the demo has the first, and the tests those that follow, up to 240.
    "TIERGATE_EMBEDDED_VALKEY_DB": "250",
    "TIERGATE_VALKEY_PREFIX": "tiergate-bench",
    "TIERGATE_LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What asking needs. questions: by outcome, a request that is answered so."""

    secret: str
    questions: dict[str, dict[str, Any]]


@contextmanager
def seeded() -> Iterator[Seeded]:
    """Make the database and fill it; it is dropped when the block ends."""
    for name in ("DATABASE_URL", "DATABASE_SWEEP_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT)
    ensure_running()
    with roles.superuser_connection() as server:
        roles.drop_database(server, paths.database_name())
        roles.ensure_database(server, paths.database_name())
    try:
        yield _filled()
    finally:
        with roles.superuser_connection() as server:
            roles.drop_database(server, paths.database_name())


def _filled() -> Seeded:
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connections  # noqa: PLC0415 - as above

    from authlevels import api as authlevels  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from tiergate import Verb  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)
    at = now()
    _catalogue()
    acme = licensing.put_tenant(slug="acme", name="Acme", by="bench", at=at)[0].id
    licensing.put_subscription(tenant_id=acme, plan="regulated", by="bench", at=at)
    licensing.put_member(tenant_id=acme, subject_type="user", subject_id="alice", roles=["member"], by="bench", at=at)
    authlevels.put_user(subject_id="alice", subject_type="user", realm=acme, totp_secret=_TOTP, at=at)
    credential, secret = authlevels.create_credential(
        tenant_id=acme, name="bench", verbs=[Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT], by="bench", at=at
    )
    session = authlevels.assert_session(
        tenant_id=acme,
        credential=credential,
        subject_type="user",
        subject_id="alice",
        amr=["pwd"],
        auth_time=at,
        idp="https://login.example",
        at=at,
    )
    for connection in connections.all(initialized_only=True):
        connection.close()
        # Its pool would hold connections to a database that is to be dropped.
        getattr(connection, "close_pool", lambda: None)()
    return Seeded(
        secret=secret,
        questions={
            "allow": _question("reports.read", "report", session.handle),
            "step_up": _question("exports.create", "export", session.handle),
        },
    )


def _question(action: str, resource_type: str, session: str) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": "alice"},
        "action": {"name": action},
        "resource": {"type": resource_type, "id": "q3", "properties": {"rows": 1200}},
        "context": {"session": session, "environment": "production", "ip": "192.0.2.7"},
    }


def _catalogue() -> None:
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from tiergate import (  # noqa: PLC0415 - as above
        ActionSpec,
        FeatureKind,
        FeatureSpec,
        Level,
        Requirement,
        Scope,
        Sensitivity,
        Term,
    )

    strict = Requirement(level=Level.AAL2, max_age=300, scope=Scope.ACTION)
    with licensing.edit_catalogue(by="bench", at=now()) as edit:
        edit.put_feature(FeatureSpec(key="reports", kind=FeatureKind.SWITCH, title="Reports"))
        edit.put_feature(
            FeatureSpec(key="exports", kind=FeatureKind.SWITCH, sensitivity=Sensitivity.REGULATED, title="Exports")
        )
        for name, kind, feature in (("reports.read", "report", "reports"), ("exports.create", "export", "exports")):
            edit.put_action(ActionSpec(name=name, resource_type=kind, privilege=name, feature=feature))
        edit.put_role("member", ["reports.read", "exports.create"])
        terms = (Term(feature="reports", value=True), Term(feature="exports", value=True, requirement=strict))
        edit.put_plan(licensing.PlanSpec(key="regulated", title="Regulated", rank=1, terms=terms))
