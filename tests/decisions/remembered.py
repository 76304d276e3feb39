"""People whom a process remembers, and a clock that goes on as it is told to."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from authlevels import api as authlevels
from decisions import people
from decisions.question import Context, Entity, Question
from isolation import clock
from licensing import api as licensing
from tests.decisions.conftest import PASSWORD, World
from tests.licensing.test_snapshots import until_listening

OWN_SECRET = "KRSXG5CTMVRXEZLUKN2XAZLSKRSXG5BR"


class Time:
    """The memory's own clock, which goes on as it is told to."""

    def __init__(self) -> None:
        self._now = time.monotonic()

    def monotonic(self) -> float:
        self._now += 1e-6
        return self._now

    def pass_by(self, seconds: float) -> None:
        self._now += seconds


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A member of a tenant with a session there."""

    tenant_id: UUID
    subject: tuple[str, str]
    session: authlevels.Session
    user_id: UUID

    @property
    def named(self) -> dict[str, Any]:
        """Name the rows of theirs for a statement."""
        return {"tenant": self.tenant_id, "session": self.session.id, "user": self.user_id}

    def question(self) -> Question:
        return Question(
            tenant_id=self.tenant_id,
            home=self.tenant_id,
            asked_by="test",
            subject=Entity(type=self.subject[0], id=self.subject[1]),
            action="reports.read",
            resource=Entity(type="report", id="1"),
            context=Context(session=self.session.handle),
        )

    def read(self) -> people.Person:
        return people.read_person(self.question(), at=clock.now())

    def is_remembered(self, *, at: datetime | None = None) -> bool:
        # A machine that is busy may have cut the listener off, and a deaf process trusts nothing.
        until_listening()
        version = licensing.snapshot_version(tenant_id=self.tenant_id)
        return people.recall_person(self.question(), version=version, at=at or clock.now()) is not None

    def facts(self) -> Any:
        return authlevels.session_facts(
            tenant_id=self.tenant_id, session=self.session.handle, subject=self.subject, at=clock.now()
        )


def a_products(world: World, tenant_id: UUID | None = None) -> Somebody:
    tenant_id = tenant_id or world.acme
    key = world.acme_key if tenant_id == world.acme else world.globex_key
    credential = authlevels.resolve_credential(key, at=clock.now())
    assert credential is not None
    session = authlevels.assert_session(
        tenant_id=tenant_id,
        credential=credential,
        subject_type="user",
        subject_id="alice",
        amr=["pwd"],
        auth_time=clock.now(),
        idp="https://login.example",
        at=clock.now(),
    )
    return Somebody(tenant_id=tenant_id, subject=("user", "alice"), session=session, user_id=session.user_id)


def our_own(world: World, tenant_id: UUID | None = None) -> Somebody:
    tenant_id = tenant_id or world.acme
    at = clock.now() - timedelta(days=1)
    authlevels.put_user(subject_id="ann", password=PASSWORD, totp_secret=OWN_SECRET, at=at)
    licensing.put_member(
        tenant_id=tenant_id, subject_type="account", subject_id="ann", roles=["member"], by="test", at=clock.now()
    )
    session, _secret = sign_in(tenant_id)
    return Somebody(tenant_id=tenant_id, subject=("account", "ann"), session=session, user_id=session.user_id)


def sign_in(tenant_id: UUID) -> tuple[authlevels.Session, str]:
    return authlevels.sign_in_with_password(
        tenant_id=tenant_id, username="ann", password=PASSWORD, network="192.0.2.1", at=clock.now()
    )


MAKERS: dict[str, Callable[..., Somebody]] = {"a product's": a_products, "our own": our_own}
