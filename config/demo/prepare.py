"""`python -m config.demo.prepare`: migrate, fill and key the demo's database; prints what was made, as JSON. `--past` brings a month of sign-ins."""

import json
import os
import sys
from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from typing import Any

import django

from config.embedded.paths import CHECKOUT

NORTHWIND = CHECKOUT / "sample" / "northwind"
_BY = "manage.py demo"
PAST = "--past"

# Tenant, name and verbs of the credentials that a vendor would give out.
_PRODUCT = (
    "access.evaluate",
    "sessions.assert",
    "step_up.create",
    "step_up.relay",
    "tenants.read",
    "entitlements.read",
    "risk.read",
    "risk.signal",
    "risk.feedback",
)
_VENDOR = (
    *("tenants.read", "tenants.write", "members.read", "members.write", "roles.read"),
    *("subscription.read", "subscription.write", "overrides.read", "overrides.write"),
    *("entitlements.read", "catalog.read"),
)
_POLICY = ("bundles.read", "bundles.write", "bundles.apply")
_PIPELINE = ("access.evaluate", "step_up.create", "deploy.release")
_CREDENTIALS = (
    ("acme", "reports-api", _PRODUCT),
    ("globex", "reports-api", _PRODUCT),
    ("vendor", "billing", _VENDOR),
)


def main(arguments: list[str]) -> None:
    """Bring the database to what the files say, and print credentials and sessions that are good from now on.

    arguments: `PAST` for a month of sign-ins to look at.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    _run("migrate", verbosity=0, interactive=False)
    _run("catalog", "apply", str(NORTHWIND / "catalog.yaml"))
    _run("tenants", "apply", str(NORTHWIND / "tenants.yaml"))
    _run("tenants", "apply", str(NORTHWIND / "playground.yaml"))
    # Countries of networks that are nobody's (RFC 5737), so that somebody can be far away here.
    _run("risk", "import", "country", str(NORTHWIND / "countries.csv"), stderr=StringIO())
    _sell()

    from isolation.clock import now  # noqa: PLC0415 - not before Django is set up

    at = now()
    _put_rules_in_force(at)
    if PAST in arguments:
        _make_past(at)
    credentials = {tenant: _credential(tenant, name, verbs, at) for tenant, name, verbs in _CREDENTIALS}
    credentials["pipeline"] = _credential("globex", "pipeline", _PIPELINE, at)
    credentials["policy"] = _credential("vendor", "policy-pipeline", _POLICY, at)
    sys.stdout.write(json.dumps({"credentials": credentials, "sessions": _sessions(credentials, at)}) + "\n")


def _sell() -> None:
    """Make what is on sale known to the demo's own Stripe; an account elsewhere is not filled unasked."""
    from django.conf import settings  # noqa: PLC0415 - as above

    if settings.STRIPE.api_base:
        _run("billing", "push-prices")


def _put_rules_in_force(at: datetime) -> None:
    """Have Northwind's rules in force from the start; what somebody put in force since then stays."""
    from decisions import api as decisions  # noqa: PLC0415 - as above
    from tiergate.policy.folder import read_folder  # noqa: PLC0415 - as above

    stored = decisions.store_bundle(read_folder(NORTHWIND / "policies"), by=_BY, at=at)
    newest = next(iter(decisions.list_activations(limit=1)), None)
    if newest is None or (newest.by == _BY and newest.active != stored.digest):
        decisions.activate(digest=stored.digest, because="Northwind's rules come with the demo.", by=_BY, at=at)


def _make_past(at: datetime) -> None:
    """Let people have signed in at Acme for a month, so that the pages of risk show something."""
    from config.demo.past import make_past  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    make_past(tenant_id=licensing.get_tenant("acme").id, at=at)


def _run(name: str, *arguments: str, **options: Any) -> None:
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command(name, *arguments, stdout=StringIO(), **options)


def _credential(tenant: str, name: str, verbs: Iterable[str], at: datetime) -> str:
    """Make a credential; the one of an earlier start is revoked."""
    from authlevels import api as authlevels  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    tenant_id = licensing.get_tenant(tenant).id
    try:
        earlier = authlevels.get_credential(tenant_id=tenant_id, name=name)
    except authlevels.CredentialNotFound:
        pass
    else:
        authlevels.revoke_credential(tenant_id=tenant_id, credential_id=earlier.id, by=_BY, at=at)
    _, secret = authlevels.create_credential(tenant_id=tenant_id, name=name, verbs=verbs, by=_BY, at=at)
    return secret


def _sessions(credentials: dict[str, str], at: datetime) -> dict[str, str]:
    """Begin the sessions that the printed questions are about: Bob's own, and one that Globex vouches for."""
    from authlevels import api as authlevels  # noqa: PLC0415 - as above
    from config.demo.people import people  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    bob, _secret = authlevels.sign_in_with_password(
        tenant_id=licensing.get_tenant("acme").id,
        username="bob",
        password=people()["bob"].password,
        network="manage.py demo",
        at=at,
    )
    globex = authlevels.resolve_credential(credentials["globex"], at=at)
    if globex is None:
        raise RuntimeError("A credential made just now is unknown.")
    ines = authlevels.assert_session(
        tenant_id=globex.tenant_id,
        credential=globex,
        subject_type="user",
        subject_id="7781",
        amr=["pwd"],
        auth_time=at,
        idp="https://idp.globex.example",
        at=at,
    )
    return {"bob": bob.handle, "ines": ines.handle}


if __name__ == "__main__":
    main(sys.argv[1:])
