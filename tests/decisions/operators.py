"""The vendor's operators at the HTTP doors of rules, by the secrets of their own sessions."""

from datetime import UTC, datetime
from typing import Any

from django.test import Client

from authlevels import api as authlevels
from isolation import clock
from licensing import api as licensing
from tests.decisions.asking import ask, step_up
from tests.decisions.conftest import PASSWORD, TOTP_SECRET, code_at
from tiergate import Verb

BUNDLE_VERBS = (Verb.BUNDLES_READ, Verb.BUNDLES_WRITE, Verb.BUNDLES_APPLY)


class Operator:
    """One of the vendor's people, signed in by password alone; each step-up takes the next code of their app."""

    def __init__(self, client: Client, name: str = "olga", *, roles: tuple[str, ...] = ("operator",)) -> None:
        at = clock.now()
        authlevels.put_user(subject_id=name, password=PASSWORD, totp_secret=TOTP_SECRET, at=at)
        licensing.put_member(
            tenant_id=licensing.VENDOR_TENANT_ID,
            subject_type="account",
            subject_id=name,
            roles=list(roles),
            by="test",
            at=at,
        )
        _session, self.secret = authlevels.sign_in_with_password(
            tenant_id=licensing.VENDOR_TENANT_ID, username=name, password=PASSWORD, network="test", at=at
        )
        self._client = client
        self._used = 0

    def get(self, path: str, *, status: int = 200) -> Any:
        return get(self._client, self.secret, path, status=status)

    def post(self, path: str, body: Any, *, status: int = 201) -> Any:
        return ask(self._client, self.secret, body, path=path, status=status)

    def confirm(self, refused: Any) -> None:
        """Step up for exactly what was refused."""
        step_up(self._client, self.secret, {"context": refused}, self._next_code())

    def _next_code(self) -> str:
        """Give the code of now, or else the next one: each is taken once, and half a minute before and after its time."""
        self._used = max(self._used + 1, int(clock.now().timestamp()) // 30)
        return code_at(datetime.fromtimestamp(self._used * 30, UTC))

    def confirmed(self, path: str, body: Any, *, status: int = 201) -> Any:
        """Ask, confirm what is refused for want of that, and ask again."""
        self.confirm(self.post(path, body, status=401))
        return self.post(path, body, status=status)


def get(client: Client, secret: str, path: str, *, status: int = 200) -> Any:
    """Read an address by a bearer's secret; text where the answer is no JSON."""
    response = client.get(path, headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == status, (response.status_code, response.content)
    return response.json() if "json" in response["Content-Type"] else response.content.decode()


def publisher(*verbs: Verb, name: str = "policy-ci") -> str:
    """Make a credential of the vendor for rules, and give its secret."""
    _told, secret = authlevels.create_credential(
        tenant_id=licensing.VENDOR_TENANT_ID,
        name=name,
        verbs=list(verbs or BUNDLE_VERBS),
        by="test",
        at=clock.now(),
    )
    return secret
