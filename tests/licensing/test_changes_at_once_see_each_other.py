"""Of changes of one tenant that are made at once, each sees what the one before left, and tells the trail so."""

from collections import Counter
from typing import Any
from uuid import UUID

import audit.api
from audit.api import Kind
from isolation.api import tenant_transaction
from licensing import api
from tests.attacks.parallel import at_once
from tests.usage.conftest import NOON, acme, catalogue

__all__ = ["acme", "catalogue"]  # fixtures


def outcomes(found: list[Any]) -> Counter[str]:
    return Counter(type(one).__name__ for one in found)


def is_one_story(tenant_id: UUID, kind: Kind) -> bool:
    """Say whether each entry's state of before is the one that the entry above it left."""
    with tenant_transaction(tenant_id):
        told = [one.payload for one in audit.api.list_entries(tenant_id=tenant_id, kinds={kind})]
    return [one["old"] for one in told] == [None, *(one["new"] for one in told[:-1])]


def test_an_address_that_is_invited_twice_at_once_is_invited_once(acme: UUID) -> None:
    def invite(_number: int) -> object:
        return api.invite(tenant_id=acme, address="bob@acme.example", roles=["member"], by="test", at=NOON)

    assert outcomes(at_once(invite, 4)) == {"tuple": 1, "AlreadyInvited": 3}


def test_who_joins_by_two_invitations_at_once_joins_once(acme: UUID) -> None:
    tokens = [
        api.invite(tenant_id=acme, address=f"bob{number}@acme.example", roles=["member"], by="test", at=NOON)[1]
        for number in range(4)
    ]

    def join(number: int) -> object:
        return api.accept_invitation(
            tenant_id=acme, token=tokens[number], subject_type="user", subject_id="bob", by="test", at=NOON
        )

    assert outcomes(at_once(join, 4)) == {"Member": 1, "AlreadyMember": 3}


def test_overrides_that_are_agreed_at_once_hold_one_after_the_other(acme: UUID) -> None:
    def agree(number: int) -> object:
        return api.put_override(
            tenant_id=acme, feature="calls", effect="value", limit=number, reason="a deal", by="test", at=NOON
        )

    assert outcomes(at_once(agree, 4)) == {"tuple": 4}
    assert is_one_story(acme, Kind.OVERRIDE_CHANGED)


def test_a_role_that_is_changed_twice_at_once_is_told_as_it_was(acme: UUID) -> None:
    def change(number: int) -> object:
        return api.put_role(tenant_id=acme, key="clerk", privileges=[f"reports.{number}"], by="test", at=NOON)

    assert outcomes(at_once(change, 4)) == {"tuple": 4}
    assert is_one_story(acme, Kind.ROLE_CHANGED)
