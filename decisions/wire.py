"""AuthZEN 1.0 on the wire: bytes in, bytes out. Doors differ only in how they read and write a request."""

import re
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
import structlog
from django.db import DatabaseError

from authlevels import api as authlevels
from decisions.answers import UNKNOWN, context_of
from decisions.batch import Semantics, items_of
from decisions.callers import find_credential, find_tenant, may_ask
from decisions.errors import BadRequest, FactsUnavailable, UnknownCaller
from decisions.evaluate import evaluate
from decisions.problems import PROBLEM_TYPE, STATUS_BY_KIND, of_tiergate_error, problem
from decisions.question import Answer, Context, Entity, Question, Use
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import Purpose, ServiceFact, TiergateError

log = structlog.get_logger(__name__)

MAX_BODY = 256 * 1024
MAX_DEPTH = 64
JSON_TYPE = "application/json"
SERVICE: Final = "service"
"""The type of subject by which a service asks in its own name."""

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

type Reply = tuple[int, dict[str, str], bytes]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as a door reads it.

    tenant_ref: the tenant named by the path; None when the path names none.
    """

    authorization: str
    content_type: str
    request_id: str
    body: bytes
    tenant_ref: str | None = None


class Answering(Protocol):
    """What an endpoint does with a body."""

    def __call__(self, asked: Asked, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:
        """Answer a request of a service that may ask."""


class AskedAction(msgspec.Struct, frozen=True):
    """An action, as AuthZEN writes one."""

    name: str
    properties: dict[str, Any] = {}


class _Request(msgspec.Struct, frozen=True):
    subject: Entity
    action: AskedAction
    resource: Entity
    context: dict[str, Any] = {}


class _PlainRequest(msgspec.Struct, frozen=True):
    """A request whose context is read for what we know of it, and otherwise left as it came."""

    subject: Entity
    action: AskedAction
    resource: Entity
    context: msgspec.Raw = msgspec.Raw(b"{}")


class AskedConsumption(msgspec.Struct, frozen=True):
    """What an allow is to use up of the action's limit."""

    key: str
    quantity: int = 1


class AskedReservation(msgspec.Struct, frozen=True):
    """What an allow is to hold of the action's limit, for so many seconds."""

    key: str
    quantity: int = 1
    ttl: int = 900


class AskedContext(msgspec.Struct, frozen=True):
    """What we know of a request's context; whatever else it holds may be bound by an action."""

    tenant: str | None = None
    session: str | None = None
    environment: str | None = None
    purpose: Purpose = Purpose.ENFORCE
    min_snapshot: str | None = None
    consume: AskedConsumption | None = None
    reserve: AskedReservation | None = None
    transaction: Any = None
    origin: Any = None
    device: Any = None
    amount: Any = None
    currency: Any = None
    ip: Any = None
    user_agent: Any = None


_decode_plain: Final = msgspec.json.Decoder(_PlainRequest).decode
_decode_context: Final = msgspec.json.Decoder(AskedContext).decode
_encode: Final = msgspec.json.Encoder().encode


def evaluate_bytes(asked: Asked, *, at: datetime) -> Reply:
    """Answer `POST /access/v1/evaluation` (AuthZEN 1.0 section 6): status, headers, body.

    Never raises: what cannot be answered is a 503.
    """
    return guarded(asked, at=at, answer=_answer_one)


def evaluations_bytes(asked: Asked, *, at: datetime) -> Reply:
    """Answer `POST /access/v1/evaluations` (AuthZEN 1.0 section 7): status, headers, body.

    Never raises: what cannot be answered is a 503.
    """
    return guarded(asked, at=at, answer=_answer_many)


def echoed(request_id: str) -> dict[str, str]:
    """Echo a request id that is fit for a header."""
    return {"X-Request-ID": request_id} if _REQUEST_ID.fullmatch(request_id) else {}


def guarded(asked: Asked, *, at: datetime, answer: Answering) -> Reply:
    """Answer with what ``answer`` makes of a request of a service that may ask; never raises."""
    try:
        status, headers, body = _answered(asked, at=at, answer=answer)
    except TiergateError as error:
        status, headers, document = of_tiergate_error(error)
        headers["Content-Type"] = PROBLEM_TYPE
        body = msgspec.json.encode(document)
    except DatabaseError as error:
        log.warning("facts_unavailable", error=type(error.__cause__ or error).__name__)
        document = problem(503, code=FactsUnavailable.code, detail="This cannot be decided just now; ask again.")
        status, headers, body = 503, {"Retry-After": "1", "Content-Type": PROBLEM_TYPE}, msgspec.json.encode(document)
    except Exception:
        # The answer is unknown, which is never an allow and never the caller's fault.
        log.exception("decision_failed", request_id=asked.request_id[:128])
        document = problem(503, code="internal_error", detail="This cannot be decided just now.")
        status, headers, body = 503, {"Retry-After": "1", "Content-Type": PROBLEM_TYPE}, msgspec.json.encode(document)
    return status, headers | echoed(asked.request_id) if asked.request_id else headers, body


def _answered(asked: Asked, *, at: datetime, answer: Answering) -> Reply:
    credential = find_credential(asked.authorization, at=at)
    if credential is None:
        raise UnknownCaller("The calling service must show a valid credential.")
    if not may_ask(credential):
        raise authlevels.VerbMissing("This credential may not ask for decisions.")
    _refuse_unread(asked)
    document = answer(asked, credential, at=at)
    return 200, {"Content-Type": JSON_TYPE, "Cache-Control": "no-store"}, _encode(document)


def _refuse_unread(asked: Asked) -> None:
    """Refuse what is not to be read at all.

    :raises BadRequest: it is said to be something else than JSON, or is too long.
    """
    if asked.content_type != JSON_TYPE:
        media, _, parameters = asked.content_type.partition(";")
        charset = parameters.partition("charset=")[2].strip().strip('"').lower()
        if media.strip().lower() != JSON_TYPE or charset not in {"", "utf-8", "utf8"}:
            raise BadRequest("The body must be application/json in UTF-8.")
    if len(asked.body) > MAX_BODY:
        raise BadRequest(f"The body must not be longer than {MAX_BODY} bytes.")


def _is_shallow(body: bytes) -> bool:
    """Say whether a body can only be shallow; counting brackets is cheap, and few have so many."""
    return body.count(b"{") + body.count(b"[") <= MAX_DEPTH


def parsed(asked: Asked) -> dict[str, Any]:
    """Read a body as a JSON object.

    :raises BadRequest: it is none, or is nested too deep.
    """
    # Before it is read: a body nested deep enough would end the process, not raise an error.
    if authlevels.is_nested_deeper(asked.body, MAX_DEPTH):
        raise BadRequest(f"The body must not be nested deeper than {MAX_DEPTH}.")
    try:
        document = msgspec.json.decode(asked.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    return document


def _answer_one(asked: Asked, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:
    question = _plain_question(asked, credential) or _read_question(parsed(asked), asked, credential)
    answer = evaluate(question, at=at)
    if answer.decision.reason in UNKNOWN:
        raise FactsUnavailable("This cannot be decided just now.", decision_id=answer.public_id, retry_after=1)
    return told(answer, credential)


def _plain_question(asked: Asked, credential: authlevels.Credential) -> Question | None:
    """Read a body in one go, as nearly all can be; None for one that has to be looked at more closely."""
    body = asked.body
    # What is skipped is not looked at, so that an escape could hide in it what no JSON may hold.
    if not _is_shallow(body) or b"\\u" in body:
        return None
    try:
        body.decode()
        request = _decode_plain(body)
        context = _decode_context(request.context)
    except (msgspec.MsgspecError, ValueError):
        return None
    return _asked_by(request, context, asked, credential, request_id=request_id_of(asked))


def _read_question(document: object, asked: Asked, credential: authlevels.Credential) -> Question:
    try:
        return _question(document, asked, credential)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The request has the wrong shape: {error}") from None


def _answer_many(asked: Asked, credential: authlevels.Credential, *, at: datetime) -> dict[str, Any]:
    items, semantics = items_of(parsed(asked))
    if not items:
        return _answer_one(asked, credential, at=at)
    answers: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        answered = _answer_item(item, asked, credential, number=number, at=at)
        answers.append(answered)
        if semantics == Semantics.DENY_ON_FIRST_DENY and not answered["decision"]:
            break
        if semantics == Semantics.PERMIT_ON_FIRST_PERMIT and answered["decision"]:
            break
    return {"evaluations": answers}


def _answer_item(
    item: object, asked: Asked, credential: authlevels.Credential, *, number: int, at: datetime
) -> dict[str, Any]:
    """Answer one item; what is wrong with it, or unknown about it, is a no of its own and stops no other."""
    try:
        return told(evaluate(_question(item, asked, credential, number=number), at=at), credential)
    except msgspec.ValidationError as error:
        status, message = 400, str(error)
    except TiergateError as error:
        status, message = STATUS_BY_KIND[error.kind], error.detail
    if credential.answer_style == "bare":
        return {"decision": False}
    return {"decision": False, "context": {"error": {"status": status, "message": message}}}


def _question(
    document: object, asked: Asked, credential: authlevels.Credential, *, number: int | None = None
) -> Question:
    request = msgspec.convert(document, _Request)
    context = msgspec.convert(request.context, AskedContext)
    request_id = request_id_of(asked)
    if request_id and number is not None:
        request_id = f"{request_id}#{number}"
    return _asked_by(request, context, asked, credential, request_id=request_id)


def request_id_of(asked: Asked) -> str:
    """Return the id that a request names itself by, or "" for one that is not fit for a header."""
    return asked.request_id if asked.request_id and _REQUEST_ID.fullmatch(asked.request_id) else ""


def _asked_by(
    request: _Request | _PlainRequest,
    context: AskedContext,
    asked: Asked,
    credential: authlevels.Credential,
    *,
    request_id: str,
) -> Question:
    tenant_id = find_tenant(credential, {ref for ref in (asked.tenant_ref, context.tenant) if ref is not None})
    return _written(
        request,
        context,
        tenant_id=tenant_id,
        home=credential.tenant_id if tenant_id is None else tenant_id,
        asked_by=f"credential:{credential.name}",
        request_id=request_id,
        service=_own_service(request.subject, context, credential),
    )


def _own_service(subject: Entity, context: AskedContext, credential: authlevels.Credential) -> ServiceFact | None:
    """Tell what is known of a service that asks in its own name; None where it asks about somebody else.

    No service asks in another's name, and none by a session, which is a person's: those are subjects like any other.
    """
    if (subject.type, subject.id) != (SERVICE, credential.name) or context.session is not None:
        return None
    return credential.as_fact()


def read_question(document: object, *, tenant_id: UUID) -> Question:
    """Read an access evaluation request (AuthZEN 1.0 section 6.1) as a question about ``tenant_id``.

    :raises msgspec.ValidationError: a member is missing or of the wrong type.
    """
    request = msgspec.convert(document, _Request)
    context = msgspec.convert(request.context, AskedContext)
    return _written(request, context, tenant_id=tenant_id, home=tenant_id, asked_by="manage.py", request_id="")


def _written(
    request: _Request | _PlainRequest,
    context: AskedContext,
    *,
    tenant_id: UUID | None,
    home: UUID,
    asked_by: str,
    request_id: str,
    service: ServiceFact | None = None,
) -> Question:
    return Question(
        tenant_id=tenant_id,
        home=home,
        asked_by=asked_by,
        subject=request.subject,
        action=request.action.name,
        action_properties=request.action.properties,
        resource=request.resource,
        context=Context(
            session=context.session,
            environment=context.environment,
            purpose=context.purpose,
            min_snapshot=context.min_snapshot,
            use=_use(context),
            transaction=context.transaction,
            origin=context.origin,
            device=context.device,
            amounts=_amounts(context),
            told=told_of(context),
            raw=request.context if isinstance(request.context, dict) else bytes(request.context),
        ),
        service=service,
        is_claiming=context.purpose == Purpose.ENFORCE,
        claim_id=request_id,
        request_id=request_id,
    )


def _amounts(context: AskedContext) -> dict[str, Any] | None:
    said = {"amount": context.amount, "currency": context.currency}
    return {name: value for name, value in said.items() if value is not None} or None


def told_of(context: AskedContext) -> riskengine.Told:
    """Read what the product tells of the person's side; what is no text was not told."""
    token = context.device.get("token") if isinstance(context.device, dict) else None
    return riskengine.told(ip=context.ip, user_agent=context.user_agent, device_token=token)


def _use(context: AskedContext) -> Use | None:
    """Read what an allow is to take.

    :raises BadRequest: it is to be used up and held at once.
    :raises licensing.InvalidQuantity: a quantity, key or time that cannot be one.
    """
    asked = context.consume or context.reserve
    if asked is None:
        return None
    if context.consume is not None and context.reserve is not None:
        raise BadRequest("context may have consume or reserve, not both.")
    ttl = asked.ttl if isinstance(asked, AskedReservation) else None
    licensing.check_use(quantity=asked.quantity, key=asked.key, ttl=ttl)
    return Use(quantity=asked.quantity, key=asked.key, ttl=ttl)


def told(answer: Answer, credential: authlevels.Credential) -> dict[str, Any]:
    """Write an answer as AuthZEN does, as far as the credential is told why."""
    is_permitted = answer.decision.outcome == "allow"
    if credential.answer_style == "bare":
        return {"decision": is_permitted}
    return {"decision": is_permitted, "context": context_of(answer)}
