"""200 features, 50 tenants, 1,000 people with a session each, made by the rooms' own doors: so no row is one that could not be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from bench.catalogue_large import (
    ENVIRONMENTS,
    KINDS,
    PLANS,
    PROVED_BEFORE,
    Class,
    Rule,
    list_rules,
    role_of,
)
from tiergate import (
    ActionSpec,
    FeatureKind,
    FeatureSpec,
    Level,
    Requirement,
    Scope,
    Sensitivity,
    Term,
    Verb,
)

TENANTS = 50
PEOPLE_OF_A_TENANT = 20
_BY = "bench"
_IDP = "https://login.example"
_TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # nobody's
_ROLE_MAX_AGE = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in.

    kind: the type of resource that they act on. secret: the credential of their tenant's product, in clear.
    """

    tenant: str
    plan: str
    subject_id: str
    kind: int
    roles: tuple[str, ...]
    session: str
    secret: str


def seed() -> list[Person]:
    """Fill a database that was just made; Django's settings must point at it."""
    import django  # noqa: PLC0415 - not before the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - as above

    from isolation.clock import now  # noqa: PLC0415 - as above

    call_command("migrate", verbosity=0, interactive=False)
    at = now()
    _put_catalogue(at)
    try:
        return [person for number in range(TENANTS) for person in _put_tenant(number, at)]
    finally:
        close_connections()


def seed_looks(people: Sequence[Person], looks_of: Callable[[Person], dict[str, str]]) -> None:
    """Have everybody sign in on three days before, looking as ``looks_of`` tells: the engine then has a profile of each."""
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above
    from riskengine import api as riskengine  # noqa: PLC0415 - as above

    at = now()
    tenants = {slug: licensing.get_tenant(slug).id for slug in {one.tenant for one in people}}
    try:
        for person in people:
            for day in (3, 2, 1):
                before = at - timedelta(days=day)
                riskengine.record_signal(
                    tenant_id=tenants[person.tenant],
                    subject=("user", person.subject_id),
                    session_id=None,
                    kind=riskengine.Kind.SIGN_IN,
                    seen=riskengine.seen_of(riskengine.told(**looks_of(person)), zone=None, at=before),
                    trust=1.0,
                    at=before,
                )
    finally:
        close_connections()


def close_connections() -> None:
    """Give back every connection to the database, those of the pool too."""
    from django.db import connections  # noqa: PLC0415 - as above

    for connection in connections.all(initialized_only=True):
        connection.close()
        getattr(connection, "close_pool", lambda: None)()


def _put_catalogue(at: datetime) -> None:
    from licensing import api as licensing  # noqa: PLC0415 - as above

    sensitivities = {
        Class.ROUTINE: Sensitivity.STANDARD,
        Class.PREMIUM: Sensitivity.PREMIUM,
        Class.REGULATED: Sensitivity.REGULATED,
    }
    rules = list(list_rules())
    with licensing.edit_catalogue(by=_BY, at=at) as edit:
        for rule in rules:
            edit.put_feature(FeatureSpec(key=rule.feature, kind=FeatureKind.SWITCH, sensitivity=sensitivities[rule.of]))
            by_environment = {}
            if rule.production_age is not None:
                by_environment = {
                    "production": Requirement(max_age=rule.production_age),
                    **{name: Requirement() for name in ENVIRONMENTS if name != "production"},
                }
            edit.put_action(
                ActionSpec(
                    name=rule.action,
                    resource_type=rule.resource_type,
                    privilege=rule.action,
                    feature=rule.feature,
                    environment_aware=bool(by_environment),
                    environments=by_environment,
                )
            )
        for kind in range(KINDS):
            edit.put_role(
                role_of(kind),
                [rule.action for rule in rules if rule.kind == kind],
                Requirement(level=Level.AAL1, max_age=_ROLE_MAX_AGE),
            )
        for rank, plan in enumerate(PLANS):
            terms = tuple(Term(feature=rule.feature, value=True, requirement=_asked(rule)) for rule in rules)
            edit.put_plan(licensing.PlanSpec(key=plan, title=plan.title(), rank=rank, terms=terms))


def _asked(rule: Rule) -> Requirement:
    scope = Scope.ACTION if rule.of == Class.REGULATED else Scope.SESSION
    return Requirement(level=Level.AAL1 if rule.level == 1 else Level.AAL2, max_age=rule.max_age, scope=scope)


def _put_tenant(number: int, at: datetime) -> Iterator[Person]:
    from authlevels import api as authlevels  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    slug, plan = f"tenant{number:02}", PLANS[number % len(PLANS)]
    tenant_id: UUID = licensing.put_tenant(slug=slug, name=slug.title(), by=_BY, at=at)[0].id
    licensing.put_subscription(tenant_id=tenant_id, plan=plan, by=_BY, at=at)
    credential, secret = authlevels.create_credential(
        tenant_id=tenant_id,
        name="product",
        verbs=[Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT],
        max_level=Level.AAL2,
        by=_BY,
        at=at,
    )
    for one in range(PEOPLE_OF_A_TENANT):
        kind = one % KINDS
        roles = (role_of(kind), role_of((kind + 1) % KINDS))
        subject_id = f"{number:02}{one:02}"
        licensing.put_member(
            tenant_id=tenant_id, subject_type="user", subject_id=subject_id, roles=roles, by=_BY, at=at
        )
        authlevels.put_user(subject_id=subject_id, subject_type="user", realm=tenant_id, totp_secret=_TOTP, at=at)
        session = authlevels.assert_session(
            tenant_id=tenant_id,
            credential=credential,
            subject_type="user",
            subject_id=subject_id,
            amr=["pwd", "otp"],
            auth_time=at - timedelta(seconds=PROVED_BEFORE),
            idp=_IDP,
            at=at,
        )
        yield Person(
            tenant=slug,
            plan=plan,
            subject_id=subject_id,
            kind=kind,
            roles=roles,
            session=session.handle,
            secret=secret,
        )
