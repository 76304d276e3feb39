"""The demo's people, read from the file that makes them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from config.embedded.paths import CHECKOUT


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who exists in the demo alone, so that the secrets are no secrets.

    tenant, subject: where a member, and as whom. password: empty when another provider signs them in.
    """

    tenant: str
    subject: str
    roles: tuple[str, ...]
    password: str
    totp_secret: str


@cache
def people() -> dict[str, DemoPerson]:
    """Return the demo's people by the name that they are called."""
    document = yaml.safe_load((CHECKOUT / "sample" / "northwind" / "tenants.yaml").read_text())
    found = {}
    for tenant, contents in document["tenants"].items():
        for subject, said in contents.get("members", {}).items():
            member: dict[str, Any] = said if isinstance(said, dict) else {"roles": said}
            kind, _, name = subject.partition(":")
            user = document["users"].get(name, {}) if kind == "account" else member
            called = name if kind == "account" else str(member.get("display_name", name)).lower()
            found[called] = DemoPerson(
                tenant=tenant,
                subject=subject,
                roles=tuple(member["roles"]),
                password=user.get("password", ""),
                totp_secret=user.get("totp_secret", ""),
            )
    return found
