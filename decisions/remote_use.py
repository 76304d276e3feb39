"""Using up a confirmation from far away: a service says what it is about to do, and it is decided once more."""

from datetime import datetime
from typing import Any

import msgspec

from authlevels import api as authlevels
from decisions.answers import UNKNOWN
from decisions.callers import find_tenant
from decisions.errors import BadRequest, FactsUnavailable
from decisions.evaluate import evaluate
from decisions.question import Answer, Context, Entity, Question
from decisions.wire import Asked, AskedAction, AskedContext, Reply, guarded, parsed, request_id_of, told, told_of
from tiergate import Purpose


class _Use(msgspec.Struct, frozen=True):
    """What a service is about to do; the elevation knows the person and the session."""

    action: AskedAction
    resource: Entity
    subject: Entity | None = None
    context: dict[str, Any] = {}


def consume_bytes(asked: Asked, elevation: str, *, at: datetime) -> Reply:
    """Answer `POST /access/v1/elevations/{elevation}/consume`: status, headers, body.

    Like an evaluation: what is refused is a 200 with ``decision: false``. Only an elevation that was used or has
    ended is a 409, and one that there is not for this caller a 404. Never raises.
    """

    def answer(asked: Asked, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:
        return _consume(asked, elevation, credential, at=at)

    return guarded(asked, at=at, answer=answer)


def _consume(asked: Asked, elevation: str, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:
    try:
        use = msgspec.convert(parsed(asked), _Use)
        context = msgspec.convert(use.context, AskedContext)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The request has the wrong shape: {error}") from None
    if context.purpose != Purpose.ENFORCE:
        raise BadRequest("Nothing is used up to draw a menu: leave out the purpose.")
    held = _held_for(credential, asked, elevation, use, context)
    question = Question(
        tenant_id=held.tenant_id,
        home=held.tenant_id,
        asked_by=f"credential:{credential.name}",
        subject=use.subject or Entity(type=held.subject[0], id=held.subject[1]),
        action=use.action.name,
        action_properties=use.action.properties,
        resource=use.resource,
        context=Context(
            session=held.session,
            environment=context.environment,
            min_snapshot=context.min_snapshot,
            told=told_of(context),
            raw=use.context,
        ),
        is_claiming=True,
        claim_id=request_id_of(asked),
        request_id=request_id_of(asked),
        elevation=held,
    )
    answer = _evaluated(question, held, credential, at=at)
    if answer.decision.reason in UNKNOWN:
        raise FactsUnavailable("This cannot be decided just now.", decision_id=answer.public_id, retry_after=1)
    document = told(answer, credential)
    if answer.decision.is_allowed and "context" in document:
        document["context"]["elevation_id"] = held.ref
    return document


def _evaluated(
    question: Question, held: authlevels.HeldElevation, credential: authlevels.Credential, *, at: datetime
) -> Answer:
    try:
        return evaluate(question, at=at)
    except (authlevels.ElevationGone, authlevels.ElevationElsewhere) as error:
        authlevels.record_refused_use(held=held, why=str(error.extra["why"]), credential=credential, at=at)
        raise


def _held_for(
    credential: authlevels.Credential, asked: Asked, elevation: str, use: _Use, context: AskedContext
) -> authlevels.HeldElevation:
    """Find the elevation that a service names, of a tenant that it reaches and of whom it says it is.

    :raises ElevationNotFound: there is none for this caller; why is not told.
    """
    ids = authlevels.parse_elevation_ref(elevation)
    if ids is None or not credential.reaches(ids[0]):
        raise authlevels.ElevationNotFound("There is no such elevation.")
    named = {ref for ref in (asked.tenant_ref, context.tenant) if ref is not None}
    held = authlevels.get_elevation(ref=elevation)
    is_named = (
        (not named or find_tenant(credential, named) == held.tenant_id)
        and (use.subject is None or (use.subject.type, use.subject.id) == held.subject)
        and context.session in {None, held.session}
    )
    if not is_named:
        raise authlevels.ElevationNotFound("There is no such elevation.")
    return held
