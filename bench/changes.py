"""Changes that must be seen everywhere at once: what each makes ready, does, and turns an answer into."""

import json
import secrets
from abc import ABC, abstractmethod
from base64 import b32encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from bench.probes import Probe
from tiergate import ActionSpec, FeatureKind, FeatureSpec, Level, Requirement, Scope, Term, Verb

_BY: Final = "bench"
_VERBS: Final = (Verb.ACCESS_EVALUATE, Verb.SESSIONS_ASSERT, Verb.STEP_UP_CREATE, Verb.STEP_UP_RELAY)
FEATURES: Final = ("left", "right")
"""Each in the plan of the same name alone, so that one change of plan flips both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One change, made ready: the question, its answer before and after, and what changes it."""

    probe: Probe
    before: str
    after: str
    change: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A tenant with a product that may ask for decisions."""

    id: UUID
    slug: str
    secret: str

    def signed_in(self, subject: str) -> Any:
        """Vouch for a person who is a member and return the session."""
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from isolation.clock import now  # noqa: PLC0415 - as above

        credential = authlevels.resolve_credential(self.secret, at=now())
        if credential is None:
            raise RuntimeError("The product's credential is not known.")
        return authlevels.assert_session(
            tenant_id=self.id,
            credential=credential,
            subject_type="user",
            subject_id=subject,
            amr=["pwd"],
            auth_time=now(),
            idp="https://login.example",
            at=now(),
        )

    def question(self, action: str, subject: str, session: str, **context: str) -> dict[str, Any]:
        """Ask whether a person may do something to a report."""
        return {
            "subject": {"type": "user", "id": subject},
            "action": {"name": action},
            "resource": {"type": "report", "id": "1"},
            "context": {"session": session, **context},
        }

    def probe(self, action: str, subject: str, session: str, *, secret: str = "") -> Probe:
        """Write the question as a request."""
        return Probe(secret=secret or self.secret, document=self.question(action, subject, session))


def put_catalogue() -> None:
    """Sell two plans, ``left`` and ``right``, each with a feature of that name, and what both have."""
    from isolation.clock import now  # noqa: PLC0415 - not before Django is set up
    from licensing import api as licensing  # noqa: PLC0415 - as above

    actions = {"left.read": "left", "right.read": "right", "both.read": "both", "deep.read": "deep"}
    confirmed = Requirement(level=Level.AAL2, max_age=600, scope=Scope.SESSION)
    with licensing.edit_catalogue(by=_BY, at=now()) as edit:
        for feature in (*FEATURES, "both", "deep"):
            edit.put_feature(FeatureSpec(key=feature, kind=FeatureKind.SWITCH, title=feature))
        for name, feature in actions.items():
            edit.put_action(ActionSpec(name=name, resource_type="report", privilege=name, feature=feature))
        edit.put_role("reader", list(actions))
        edit.put_role("visitor", [])
        for rank, plan in enumerate(FEATURES):
            terms = (
                Term(feature=plan, value=True),
                Term(feature="both", value=True),
                Term(feature="deep", value=True, requirement=confirmed),
            )
            edit.put_plan(licensing.PlanSpec(key=plan, title=plan.title(), rank=rank, terms=terms))


def put_site(slug: str, *, at: datetime | None = None) -> Site:
    """Make a tenant on plan ``left``, from an instant on, with the member ``alice``, and a credential for its product."""
    from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
    from isolation.clock import now  # noqa: PLC0415 - as above
    from licensing import api as licensing  # noqa: PLC0415 - as above

    tenant_id = licensing.put_tenant(slug=slug, name=slug, by=_BY, at=now())[0].id
    _told, secret = authlevels.create_credential(tenant_id=tenant_id, name="product", verbs=_VERBS, by=_BY, at=now())
    site = Site(id=tenant_id, slug=slug, secret=secret)
    put_plan(site, "left", at=at)
    put_member(site, "alice")
    return site


def put_plan(site: Site, plan: str, *, at: datetime | None = None) -> None:
    """Put a tenant on a plan from an instant on; None: from now on."""
    from isolation.clock import now  # noqa: PLC0415 - not before Django is set up
    from licensing import api as licensing  # noqa: PLC0415 - as above

    licensing.put_subscription(tenant_id=site.id, plan=plan, by=_BY, at=at or now())


def put_member(site: Site, subject: str, role: str = "reader") -> None:
    """Give a person one role."""
    from isolation.clock import now  # noqa: PLC0415 - not before Django is set up
    from licensing import api as licensing  # noqa: PLC0415 - as above

    licensing.put_member(tenant_id=site.id, subject_type="user", subject_id=subject, roles=[role], by=_BY, at=now())


class Kind(ABC):
    """One kind of change, in a tenant of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.site = put_site(name.replace(" ", "-"))
        self.session = self.site.signed_in("alice")

    @abstractmethod
    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""

    def asks(self, action: str) -> Probe:
        """Ask whether Alice may."""
        return self.site.probe(action, "alice", self.session.handle)


class PlanChanged(Kind):
    """A tenant moves to another plan, and back."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        upgrade = "upgrade upgrade_required"
        while True:
            for plan, before, after in (("right", "allow", upgrade), ("left", upgrade, "allow")):
                yield Turn(
                    probe=self.asks("left.read"),
                    before=before,
                    after=after,
                    change=partial(put_plan, self.site, plan),
                )


class OverridePut(Kind):
    """A feature is given to a tenant beside its plan, and the gift is ended."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        from isolation.clock import now  # noqa: PLC0415 - not before Django is set up
        from licensing import api as licensing  # noqa: PLC0415 - as above

        def put() -> None:
            licensing.put_override(
                tenant_id=self.site.id,
                feature="right",
                effect="value",
                value=True,
                reason="agreed",
                by=_BY,
                at=now(),
            )

        def remove() -> None:
            licensing.remove_override(tenant_id=self.site.id, feature="right", by=_BY, at=now())

        upgrade = "upgrade upgrade_required"
        while True:
            yield Turn(probe=self.asks("right.read"), before=upgrade, after="allow", change=put)
            yield Turn(probe=self.asks("right.read"), before="allow", after=upgrade, change=remove)


class RoleChanged(Kind):
    """A member loses the role that let them in, and gets it back."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        deny = "deny no_privilege"
        while True:
            for role, before, after in (("visitor", "allow", deny), ("reader", deny, "allow")):
                yield Turn(
                    probe=self.asks("both.read"),
                    before=before,
                    after=after,
                    change=partial(put_member, self.site, "alice", role),
                )


class MemberRemoved(Kind):
    """A member leaves; another one each turn."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        while True:
            subject = f"user-{secrets.token_hex(6)}"
            put_member(self.site, subject)
            session = self.site.signed_in(subject)
            yield Turn(
                probe=self.site.probe("both.read", subject, session.handle),
                before="allow",
                after="deny not_a_member",
                change=partial(self._remove, subject),
            )

    def _remove(self, subject: str) -> None:
        from isolation.clock import now  # noqa: PLC0415 - not before Django is set up
        from licensing import api as licensing  # noqa: PLC0415 - as above

        licensing.remove_member(tenant_id=self.site.id, subject_type="user", subject_id=subject, by=_BY, at=now())


class CredentialRevoked(Kind):
    """A product's credential is revoked; another one each turn."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from isolation.clock import now  # noqa: PLC0415 - as above

        while True:
            made, secret = authlevels.create_credential(
                tenant_id=self.site.id, name=secrets.token_hex(6), verbs=_VERBS, by=_BY, at=now()
            )
            yield Turn(
                probe=self.site.probe("both.read", "alice", self.session.handle, secret=secret),
                before="allow",
                after="401",
                change=partial(self._revoke, made.id),
            )

    def _revoke(self, credential_id: UUID) -> None:
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from isolation.clock import now  # noqa: PLC0415 - as above

        authlevels.revoke_credential(tenant_id=self.site.id, credential_id=credential_id, by=_BY, at=now())


class SessionEnded(Kind):
    """A person signs out; another session each turn."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        while True:
            session = self.site.signed_in("alice")
            yield Turn(
                probe=self.site.probe("both.read", "alice", session.handle),
                before="allow",
                after="deny session_revoked",
                change=partial(self._end, session.id),
            )

    def _end(self, session_id: UUID) -> None:
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from isolation.clock import now  # noqa: PLC0415 - as above

        authlevels.end_session(tenant_id=self.site.id, session_id=session_id, by=_BY, at=now())


class FactorRemoved(Kind):
    """A person removes the authenticator with which they confirmed; another person each turn."""

    def turns(self) -> Iterator[Turn]:
        """Give turns without an end."""
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from isolation.clock import now  # noqa: PLC0415 - as above

        while True:
            subject, factor = f"user-{secrets.token_hex(6)}", b32encode(secrets.token_bytes(20)).decode()
            put_member(self.site, subject)
            authlevels.put_user(
                subject_id=subject, subject_type="user", realm=self.site.id, totp_secret=factor, at=now()
            )
            session = self.site.signed_in(subject)
            question = self.site.question("deep.read", subject, session.handle)
            self._confirm(question, factor)

            def remove(subject: str = subject, session: Any = session) -> None:
                (found,) = [one for one in authlevels.list_factors(user_id=session.user_id) if one.kind == "totp"]
                authlevels.remove_factor(
                    session=session,
                    facts=authlevels.session_facts(
                        tenant_id=self.site.id, session=session.handle, subject=("user", subject), at=now()
                    ),
                    factor_id=found.id,
                    at=now(),
                )

            yield Turn(
                probe=self.site.probe("deep.read", subject, session.handle),
                before="allow",
                after="step_up enrolment_required",
                change=remove,
            )

    def _confirm(self, question: dict[str, Any], factor: str) -> None:
        """Pass the challenge of a refusal, as the product's own front end does."""
        from authlevels import api as authlevels  # noqa: PLC0415 - not before Django is set up
        from authlevels.provisioning import decode_secret  # noqa: PLC0415 - as above
        from authlevels.totp import code_at_step  # noqa: PLC0415 - as above
        from decisions import wire  # noqa: PLC0415 - as above
        from isolation.clock import now  # noqa: PLC0415 - as above

        asked = wire.Asked(
            authorization=f"Bearer {self.site.secret}",
            content_type=wire.JSON_TYPE,
            request_id="",
            body=json.dumps(question).encode(),
        )
        _status, _headers, content = wire.evaluate_bytes(asked, at=now())
        credential = authlevels.resolve_credential(self.site.secret, at=now())
        opened = authlevels.open_challenge(
            tenant_id=self.site.id,
            decision_id=json.loads(content)["context"]["challenge"]["decision_id"],
            credential=credential,
            at=now(),
        )
        authlevels.verify(
            ref=opened.id,
            method=authlevels.ChallengeMethod.TOTP,
            code=code_at_step(decode_secret(factor), int(now().timestamp()) // 30),
            presenter=authlevels.Presenter(credential=credential),
            at=now(),
        )


KINDS: Final[dict[str, type[Kind]]] = {
    "plan changed": PlanChanged,
    "override put and removed": OverridePut,
    "role changed": RoleChanged,
    "member removed": MemberRemoved,
    "credential revoked": CredentialRevoked,
    "session signed out": SessionEnded,
    "factor removed": FactorRemoved,
}
