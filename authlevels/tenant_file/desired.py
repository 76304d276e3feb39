"""What a tenants file asks for, once it is known to be in shape and to contradict itself nowhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from authlevels.models.people import ACCOUNT
from licensing.api import (
    OWNER,
    VENDOR_SLUG,
    Document,
    FileRefused,
    Mistake,
    Place,
    Shape,
    check_shape,
    read_schema,
)
from tiergate import VENDOR_ROLES, Requirement

TENANTS_SCHEMA: Final = Path(__file__).parent.parent / "schemas" / "tenants.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredMember:
    """A member as the file wants it; None stands for what it does not say."""

    path: Place
    subject: tuple[str, str]
    roles: tuple[str, ...]
    display_name: str | None = None
    active: bool | None = None
    totp_secret: str | None = None

    @property
    def will_own(self) -> bool:
        """Say whether the file wants them to be an owner who is not put on hold."""
        return OWNER in self.roles and self.active is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredTenants:
    """A checked file. users, tenants: the file's own mappings, in shape."""

    document: Document
    users: Mapping[str, Mapping[str, Any]]
    tenants: Mapping[str, Mapping[str, Any]]

    def members(self, slug: str) -> Iterator[DesiredMember]:
        """Go through a tenant's members."""
        for subject, said in self.tenants[slug].get("members", {}).items():
            subject_type, _colon, subject_id = subject.partition(":")
            more = said if isinstance(said, dict) else {"roles": said}
            yield DesiredMember(
                path=("tenants", slug, "members", subject),
                subject=(subject_type, subject_id),
                roles=tuple(more["roles"]),
                display_name=more.get("display_name"),
                active=more.get("active"),
                totp_secret=more.get("totp_secret"),
            )


def desired_tenants(document: Document) -> DesiredTenants:
    """Read what a document asks for.

    :raises FileRefused: anything at all is wrong with it; every mistake is told.
    """
    shape = check_shape(document, read_schema(TENANTS_SCHEMA))
    mistakes = [*shape.mistakes, *_contradictions(document, shape)]
    if mistakes:
        raise FileRefused(document.name, mistakes)
    return DesiredTenants(
        document=document,
        users=document.value.get("users", {}),
        tenants=document.value.get("tenants", {}),
    )


def requirement_in(value: Mapping[str, Any]) -> Requirement | None:
    """Read ``requires`` of an entry in shape; None where it says nothing."""
    return None if "requires" not in value else Requirement.from_json(value["requires"])


def instant_in(text: str) -> datetime:
    """Read an instant; a date is its midnight, UTC.

    :raises ValueError: there is no such day or time.
    """
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _contradictions(document: Document, shape: Shape) -> Iterator[Mistake]:
    root = document.value if isinstance(document.value, dict) else {}
    for slug, tenant in _mapping(root.get("tenants")).items():
        path = ("tenants", slug)
        for subject, said in _mapping(_mapping(tenant).get("members")).items():
            if shape.is_whole((*path, "members", subject)):
                yield from _member(document, slug, subject, said)
        seen: dict[str, int] = {}
        overrides = _mapping(tenant).get("overrides")
        for number, override in enumerate(overrides if isinstance(overrides, list) else []):
            place = (*path, "overrides", number)
            if shape.is_whole(place):
                feature = override["feature"]
                if feature in seen:
                    yield document.mistake(place, f"is about {feature} like that on line {seen[feature]}.")
                seen.setdefault(feature, document.line(place))
                yield from _instants(document, place, override, "expires")
        bought = (*path, "subscription")
        if shape.is_whole(bought):
            yield from _instants(document, bought, _mapping(_mapping(tenant).get("subscription")), "from", "to")


def _member(document: Document, slug: str, subject: str, said: Any) -> Iterator[Mistake]:
    path = ("tenants", slug, "members", subject)
    roles = said["roles"] if isinstance(said, dict) else said
    if slug == VENDOR_SLUG and (set(roles) - set(VENDOR_ROLES) or not roles):
        yield document.mistake(path, f"must have a role of the vendor's own: {', '.join(VENDOR_ROLES)}.")
    if subject.startswith(f"{ACCOUNT}:") and isinstance(said, dict) and "totp_secret" in said:
        yield document.mistake((*path, "totp_secret"), "belongs to the person, among the users.")


def _instants(document: Document, path: Place, value: Mapping[str, Any], *members: str) -> Iterator[Mistake]:
    for member in members:
        if value.get(member) is not None:
            try:
                instant_in(value[member])
            except (ValueError, OverflowError):
                yield document.mistake((*path, member), f"is no day or time that exists: {value[member]}.")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
