"""What a person has shown: proofs, the scope they were given for, and what an issuer vouched for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from tiergate.levels import Level
from tiergate.requirements import Scope

# The issuer of what we verified ourselves; only its authenticators can be shown to a challenge of ours.
OWN_ISSUER = "tiergate"


class FactorKind(StrEnum):
    """What kind of thing a proof shows; two proofs of one kind are one factor.

    ``OTHER`` is a method that upholds aal1 and adds nothing to it, such as a face vouched for by an issuer.
    """

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    OTHER = "other"


class BatchItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one thing that is being asked about, as one of several of a batch.

    same: the canonical hash of what all things of a batch have in common (see `tiergate.binding`).
    amounts: those of its bound fields that a batch limits, as far as they are numbers.
    """

    resource_type: str
    resource_id: str
    same: str
    amounts: Mapping[str, int | float] = field(default_factory=dict)


class BatchScope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a proof given for several things of one action at once counts for.

    left: how many more there may be. taken: the ids of those that were done; own: what this very request has done, and
    may ask about again, as it was.
    """

    resource_type: str
    same: str
    per_item: Mapping[str, int | float] = field(default_factory=dict)
    left: int = 0
    taken: tuple[str, ...] = ()
    own: tuple[BatchItem, ...] = ()

    def covers(self, item: BatchItem | None) -> bool:
        """Say whether a thing is one of those that were confirmed, within each limit, and still to be done."""
        if item is None or not self.same or item.same != self.same or item.resource_type != self.resource_type:
            return False
        if not all(is_within(item.amounts.get(path), most) for path, most in self.per_item.items()):
            return False
        return item in self.own or (self.left > 0 and item.resource_id not in self.taken)

    def about(self, item: BatchItem | None) -> "BatchScope":
        """Leave out what was done of everything but one thing: nothing else matters to a decision on it."""
        asked = set() if item is None else {item.resource_id}
        return replace(
            self,
            taken=tuple(one for one in self.taken if one in asked),
            own=tuple(one for one in self.own if one.resource_id in asked),
        )


def is_within(value: object, most: int | float) -> bool:  # noqa: PYI041 - a struct tells the two apart
    """Say whether a value is a number from 0 to ``most``; a text, a truth value, and what is no number are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


class Target(Struct, frozen=True, kw_only=True):
    """The one thing that is being asked about.

    resource: ``"type/id"``. item: it as one of several, where its action may be confirmed so.
    binding: the canonical hash of who asks for what, with the action's bound fields (see `tiergate.binding`).
    """

    action: str
    resource: str
    binding: str
    item: BatchItem | None = None


class ProofScope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a proof was given for, and until when it counts there.

    Sign-in and reauthentication proofs are session-wide. A proof given to a challenge counts only
    inside its elevation: the named action, resource or transaction, or one of a batch, before ``until``.
    """

    kind: Scope = Scope.SESSION
    action: str | None = None
    resource: str | None = None
    binding: str | None = None
    until: datetime | None = None
    batch: BatchScope | None = None

    def covers(self, target: Target) -> bool:
        """Say whether a proof of this scope counts towards ``target``; a field left empty covers nothing."""
        if self.kind == Scope.SESSION:
            return True
        if not self.action or self.action != target.action:
            return False
        if self.batch is not None:
            return self.batch.covers(target.item)
        if self.kind == Scope.ACTION:
            return True
        if not self.resource or self.resource != target.resource:
            return False
        return self.kind == Scope.RESOURCE or (bool(self.binding) and self.binding == target.binding)


SESSION_WIDE = ProofScope()


class Proof(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act of authentication.

    method: RFC 8176 amr value, e.g. ``"otp"``.
    at: when the person acted; aware, UTC.
    issuer: who verified it: ``"tiergate"`` or an identity provider's name.
    authenticator: the id of what was used, as far as it is known.
    device_bound: the key cannot leave its device, shown by trusted attestation.
    ceiling: the highest level that it leads to, as of a factor that was just enrolled; None: no such limit.
    """

    method: str
    at: datetime
    issuer: str
    authenticator: str
    factor_kind: FactorKind
    phishing_resistant: bool = False
    user_verified: bool = False
    device_bound: bool = False
    scope: ProofScope = SESSION_WIDE
    ceiling: Level | None = None


class Authenticator(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that the person could show if asked.

    issuer: ``"tiergate"`` when our own challenge can ask for it; else the provider to sign in with again.
    ceiling: the highest level that showing it leads to; None: no such limit.
    """

    method: str
    authenticator: str
    factor_kind: FactorKind
    issuer: str = OWN_ISSUER
    phishing_resistant: bool = False
    user_verified: bool = False
    device_bound: bool = False
    ceiling: Level | None = None

    def shown(self, *, at: datetime, scope: ProofScope) -> Proof:
        """Make the proof that using it at ``at`` inside ``scope`` would leave."""
        return Proof(
            method=self.method,
            at=at,
            issuer=self.issuer,
            authenticator=self.authenticator,
            factor_kind=self.factor_kind,
            phishing_resistant=self.phishing_resistant,
            user_verified=self.user_verified,
            device_bound=self.device_bound,
            scope=scope,
            ceiling=self.ceiling,
        )


# RFC 8176 section 2. None of these says that phishing was resisted. What is not named here counts as OTHER.
_AMR_KINDS = {
    "pwd": FactorKind.KNOWLEDGE,
    "pin": FactorKind.KNOWLEDGE,
    "otp": FactorKind.POSSESSION,
    "hwk": FactorKind.POSSESSION,
    "swk": FactorKind.POSSESSION,
    "pop": FactorKind.POSSESSION,
    "sc": FactorKind.POSSESSION,
    "sms": FactorKind.POSSESSION,
    "tel": FactorKind.POSSESSION,
}


def proofs_from_amr(amr: Iterable[str], *, at: datetime, issuer: str) -> tuple[Proof, ...]:
    """Translate the methods that an issuer vouches for (RFC 8176) into proofs named after it.

    ``mfa`` says that two factors were used without saying which: it becomes a knowledge and a possession proof.
    """
    methods = list(dict.fromkeys(amr))
    out = [
        Proof(
            method=one,
            at=at,
            issuer=issuer,
            authenticator=issuer,
            factor_kind=_AMR_KINDS.get(one, FactorKind.OTHER),
        )
        for one in methods
        if one != "mfa"
    ]
    if "mfa" in methods:
        held = {proof.factor_kind for proof in out}
        out += [
            Proof(
                method="mfa",
                at=at,
                issuer=issuer,
                authenticator=issuer,
                factor_kind=kind,
            )
            for kind in (FactorKind.KNOWLEDGE, FactorKind.POSSESSION)
            if kind not in held
        ]
    return tuple(out)


def capped_proofs(proofs: Sequence[Proof], cap: Level) -> tuple[Proof, ...]:
    """Keep what an issuer's word may be worth: these proofs alone never reach a level above ``cap``.

    At aal1 one proof stays, knowledge before possession, so that a factor of ours can still join it to reach
    aal2. Above that, only attested hardware of our own reaches aal3.
    """
    plain = [replace(proof, phishing_resistant=False, user_verified=False, device_bound=False) for proof in proofs]
    if cap in {Level.AAL2, Level.AAL3}:
        return tuple(plain)
    if cap == Level.AAL1:
        order = list(FactorKind)
        return tuple(sorted(plain, key=lambda proof: order.index(proof.factor_kind))[:1])
    return ()
