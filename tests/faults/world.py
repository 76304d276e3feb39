"""What the questions under a fault are about: one vendor's tenant, made once, and then changed while faults go on.

`python -m tests.faults.world` fills the database, prints what it made, and then does one change for each line that it
reads; it answers "done", or why the change may not have been made.
"""

import json
import sys
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

STEADY: Final = 12
LOSING: Final = 40
"""How many of each kind there are to take something away from."""

_BY: Final = "faults"
_IDP: Final = "https://login.example"


def main() -> None:
    """Make the world, and change it as told."""
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)
    world = _made()
    _say(world)
    for line in sys.stdin:
        kind, key = json.loads(line)
        _say(_changed(UUID(world["quiet" if kind == "session" else "tenant"]), kind, key))


def _say(document: Any) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _made() -> dict[str, Any]:
    from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from tiergate import OverrideEffect, Verb  # noqa: PLC0415 - as above

    # So long ago that a clock that is set back still finds everything begun.
    at = now() - timedelta(hours=1)
    _put_catalogue(at)
    # The other one's state never changes as a whole: no change of another kind tells of a session that has ended.
    tenant_id: UUID = licensing.put_tenant(slug="acme", name="Acme", by=_BY, at=at)[0].id
    quiet_id: UUID = licensing.put_tenant(slug="quiet", name="Quiet", by=_BY, at=at)[0].id
    for one in (tenant_id, quiet_id):
        licensing.put_subscription(tenant_id=one, plan="plus", by=_BY, at=at)
    credentials = {}
    for name in ("product", "quiet", *(f"losing{number}" for number in range(LOSING))):
        made, secret = authlevels.create_credential(
            tenant_id=quiet_id if name == "quiet" else tenant_id,
            name=name,
            verbs=[Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT],
            by=_BY,
            at=at,
        )
        credentials[name] = (str(made.id), secret)
    sessions = {}
    people = [(kind, f"{kind}{number}") for kind, count in _PEOPLE.items() for number in range(count)]
    for kind, subject in people:
        home = quiet_id if kind == "session" else tenant_id
        product = authlevels.resolve_credential(credentials["quiet" if kind == "session" else "product"][1], at=at)
        if product is None:
            raise RuntimeError("A credential made just now is unknown.")
        licensing.put_member(tenant_id=home, subject_type="user", subject_id=subject, roles=["member"], by=_BY, at=at)
        sessions[subject] = authlevels.assert_session(
            tenant_id=home,
            credential=product,
            subject_type="user",
            subject_id=subject,
            amr=["pwd"],
            auth_time=at,
            idp=_IDP,
            at=at,
        ).handle
    for number in range(LOSING):
        licensing.put_override(
            tenant_id=tenant_id,
            feature=f"beta{number}",
            effect=OverrideEffect.VALUE.value,
            value=True,
            reason="a trial",
            by=_BY,
            at=at,
        )
    return {"tenant": str(tenant_id), "quiet": str(quiet_id), "credentials": credentials, "sessions": sessions}


_PEOPLE: Final = {"steady": STEADY, "session": LOSING, "member": LOSING}


def _put_catalogue(at: Any) -> None:
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from tiergate import ActionSpec, FeatureKind, FeatureSpec, Sensitivity, Term  # noqa: PLC0415 - as above

    features = {"reports": Sensitivity.STANDARD, "exports": Sensitivity.PREMIUM}
    features |= {f"beta{number}": Sensitivity.STANDARD for number in range(LOSING)}
    with licensing.edit_catalogue(by=_BY, at=at) as edit:
        for feature, sensitivity in features.items():
            edit.put_feature(FeatureSpec(key=feature, kind=FeatureKind.SWITCH, sensitivity=sensitivity))
            action = f"{feature}.use"
            edit.put_action(ActionSpec(name=action, resource_type="thing", privilege=action, feature=feature))
        edit.put_action(ActionSpec(name="vault.use", resource_type="thing", privilege="vault.use", feature="reports"))
        edit.put_role("member", [f"{feature}.use" for feature in features])
        terms = (Term(feature="reports", value=True), Term(feature="exports", value=True))
        edit.put_plan(licensing.PlanSpec(key="plus", title="Plus", rank=1, terms=terms))


def _changed(tenant_id: UUID, kind: str, key: str) -> str:
    from django.db import Error, connections  # noqa: PLC0415 - as above

    from authlevels import api as authlevels  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    try:
        match kind:
            case "session":
                session_id = authlevels.parse_session_handle(key)
                if session_id is None:
                    return "no session"
                authlevels.end_session(tenant_id=tenant_id, session_id=session_id, by=_BY, at=now())
            case "member":
                licensing.remove_member(tenant_id=tenant_id, subject_type="user", subject_id=key, by=_BY, at=now())
            case "override":
                licensing.remove_override(tenant_id=tenant_id, feature=key, by=_BY, at=now())
            case "credential":
                authlevels.revoke_credential(tenant_id=tenant_id, credential_id=UUID(key), by=_BY, at=now())
    except (licensing.MemberNotFound, licensing.OverrideNotFound, authlevels.CredentialNotFound):
        # An earlier try was committed, although its answer was lost.
        return "done"
    except Error as error:
        connections["default"].close()
        return f"{type(error).__name__}: {error}"
    return "done"


if __name__ == "__main__":
    main()
