"""What a person could do of what their workspace's product offers, for a page that draws it. It permits nothing."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from msgspec import Struct
from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.facts import find_snapshot, find_usage, gather
from decisions.own import question_from
from decisions.people import read_person
from decisions.question import Context, Entity
from licensing import api as licensing
from tiergate import OWN_RESOURCE_TYPE, Action, CallerKind, Decision, Purpose, decide


class Outlook(Struct, frozen=True, kw_only=True):
    """What the answers would be at one instant.

    privileges: what the person's roles grant. decisions: by action of the catalogue that a person may ask for.
    """

    snapshot: licensing.TenantSnapshot
    privileges: frozenset[str]
    decisions: Mapping[str, Decision]


def outlook(request: HttpRequest, *, at: datetime) -> Outlook:
    """Work out what each action would be answered to the person who asks, in their own tenant.

    It is asked of no one thing: what an action binds is taken as told. Nothing is recorded, as nothing is let in by it.

    :raises NoPrincipal: nobody known asks. :raises TenantNotFound: their tenant is gone.
    """
    question = question_from(
        authlevels.caller(request),
        Action.SELF_READ.value,
        resource=Entity(type=OWN_RESOURCE_TYPE, id=""),
        tenant_ref=None,
        context=Context(
            environment=settings.TIERGATE_ENVIRONMENT, purpose=Purpose.DISPLAY, told=authlevels.told_by(request)
        ),
    )
    person = read_person(question, at=at)
    snapshot = find_snapshot(question, at=at, seen=person.version or None)
    if snapshot is None:
        raise licensing.TenantNotFound("There is no such tenant.")
    found = {}
    for name, spec in snapshot.actions.items():
        if spec.feature is None or CallerKind.PERSON not in spec.callers:
            continue
        asked = replace(question, action=name, resource=Entity(type=spec.resource_type, id="*"))
        facts = gather(asked, snapshot, person, usage=find_usage(asked, snapshot, at=at), at=at).facts
        found[name] = decide(replace(facts, missing_fields=()))
    own = gather(question, snapshot, person, at=at).facts
    return Outlook(snapshot=snapshot, privileges=frozenset(own.privileges), decisions=found)
