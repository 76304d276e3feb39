"""What is asked, before anything is looked up."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from authlevels import api as authlevels
from decisions.errors import BadRequest
from licensing import api as licensing
from riskengine.api import NOTHING_TOLD, Told
from tiergate import BatchItem, CallerKind, Contribution, Decision, Forbid, Purpose, ServiceFact, Target, UsageFact


class Entity(Struct, frozen=True, kw_only=True):
    """A subject or a resource, as AuthZEN writes one."""

    type: str
    id: str
    properties: dict[str, Any] = {}


class Use(Struct, frozen=True, kw_only=True):
    """What an allow is to take of the action's limit. ttl: in seconds, of what is held; None: used at once."""

    quantity: int
    key: str
    ttl: int | None = None


class Context(Struct, frozen=True, kw_only=True):
    """What the caller says of the circumstances.

    session: the handle of the person's session. environment: e.g. ``"production"``.
    min_snapshot: answer from this version of the tenant's entitlements or a newer one.
    use: taken of the action's limit with an allow, and counted as needed for it.
    transaction, origin, device, amounts: of the circumstances, as the caller wrote them.
    told: how the request looks on the person's side.
    raw: the whole context, for bound properties: an object, or its JSON, which few requests need read.
    """

    session: str | None = None
    environment: str | None = None
    purpose: Purpose = Purpose.ENFORCE
    min_snapshot: str | None = None
    use: Use | None = None
    transaction: Any = None
    origin: Any = None
    device: Any = None
    amounts: Mapping[str, Any] | None = None
    told: Told = NOTHING_TOLD
    raw: Mapping[str, Any] | bytes = b"{}"

    def members(self) -> Mapping[str, Any]:
        """Give the whole context as an object.

        :raises BadRequest: it holds a number that is none for any machine, which nobody had looked at before.
        """
        if isinstance(self.raw, Mapping):
            return self.raw
        try:
            return msgspec.json.decode(self.raw, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise BadRequest(f"The context cannot be read: {error}") from None


class Question(Struct, frozen=True, kw_only=True):
    """One request for a decision.

    tenant_id: the tenant asked about; None when the caller named none that it may ask about.
    home: the tenant in whose trail the decision is recorded: the one asked about, else the caller's own.
    asked_by: who asks, for the trail, e.g. ``"credential:reports-api"``.
    service: set when a service asks in its own name.
    is_claiming: an allow at transaction scope uses up its elevation at once (a remote product cannot do so itself).
    claim_id: the asking product's own name for this use: the same one again is the same use; empty: never again.
    request_id: as the request names itself, for the trail.
    elevation: the one elevation that an allow is to use up, whatever its scope; no other counts for it.
    contributions, forbids: what the thing acted on asks or refuses by itself, beside what everything else does.
    """

    tenant_id: UUID | None
    home: UUID
    asked_by: str
    subject: Entity
    action: str
    resource: Entity
    action_properties: Mapping[str, Any] = {}
    context: Context = Context()
    service: ServiceFact | None = None
    is_claiming: bool = False
    claim_id: str = ""
    request_id: str = ""
    elevation: authlevels.HeldElevation | None = None
    contributions: tuple[Contribution, ...] = ()
    forbids: tuple[Forbid, ...] = ()

    @property
    def caller(self) -> CallerKind:
        """Say whether a person or a service is asked about."""
        return CallerKind.PERSON if self.service is None else CallerKind.SERVICE

    def document(self) -> dict[str, object]:
        """Write the request as AuthZEN's JSON objects, which bound property paths point into."""
        return {
            "subject": {"type": self.subject.type, "id": self.subject.id, "properties": self.subject.properties},
            "action": {"name": self.action, "properties": self.action_properties},
            "resource": {"type": self.resource.type, "id": self.resource.id, "properties": self.resource.properties},
            "context": self.context.members(),
        }


class Sale(Struct, frozen=True, kw_only=True):
    """What an offer is made from, where the licence is in the way.

    plan: what the tenant is on; None: nothing. usage: how much of a limit is taken; None where nothing is counted.
    is_buyer: whoever was refused may change what is paid for.
    """

    tenant: str
    plan: licensing.HeldPlan | None = None
    usage: UsageFact | None = None
    is_buyer: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """A recorded decision.

    decision_id: the id of its entry in the trail of tenant ``home``.
    binding: the hash of who asked for what, to which a proof for this one transaction is bound.
    item: the thing asked about as one of several, where its action may be confirmed so.
    impersonated_by: who of the vendor's support acts as the person; "" for the person themselves.
    privileges: what the person's roles grant, beyond which they can grant nobody anything; None for a service.
    sale: what an offer is made from; None where nothing on offer would help.
    use: what was taken of the action's limit with this allow, where the request asked for that.
    """

    decision_id: UUID
    home: UUID
    question: Question
    decision: Decision
    binding: str = ""
    item: BatchItem | None = None
    privileges: frozenset[str] | None = None
    impersonated_by: str = ""
    sale: Sale | None = None
    use: licensing.Consumed | None = None

    @property
    def target(self) -> Target:
        """Give the one thing that was asked about, as proofs cover it."""
        asked = self.question
        resource = f"{asked.resource.type}/{asked.resource.id}"
        return Target(action=asked.action, resource=resource, binding=self.binding, item=self.item)

    @property
    def public_id(self) -> str:
        """Give the decision's id as callers see it."""
        return authlevels.decision_ref(self.decision_id)
