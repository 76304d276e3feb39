"""A person's own sessions: where each is, and ending them."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from authlevels.errors import SessionNotFound
from authlevels.models import SessionRow
from authlevels.principals import Session
from authlevels.public_ids import parse_session_handle, session_handle
from authlevels.sessions import end_session
from isolation.api import tenant_transaction

MOST_SHOWN: Final = 100

# What user agents say of themselves, the more particular first: nearly all say "Safari", and many "Chrome".
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python-", "a Python program"),
    ("Go-http-client", "a Go program"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSession:
    """A live session of a person, as they see it.

    id: ``ses_…``. device, place: in words; "" where nothing is known. ip: the address it began from.
    is_current: the one that asks. is_support: the vendor's support acts in it as the person.
    """

    id: str
    device: str
    place: str
    ip: str | None
    is_current: bool
    is_support: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def list_own_sessions(*, session: Session, at: datetime) -> list[OwnSession]:
    """List where the person is signed in to this tenant: the asking session first, then by last use."""
    with tenant_transaction(session.tenant_id):
        live = _live(session, at=at).select_related("user").order_by("-last_seen_at")[:MOST_SHOWN]
        rows = [row for row in live if not row.is_over(at)]
        here = SessionRow.objects.filter(tenant_id=session.tenant_id, id=session.id).first()
    found = [_shown(row, session, here) for row in rows]
    return sorted(found, key=lambda one: not one.is_current)


def end_own_session(*, session: Session, handle: str, at: datetime) -> None:
    """End one of the person's own sessions in this tenant; again changes nothing.

    handle: ``ses_…``.
    :raises SessionNotFound: the person has none such.
    """
    session_id = parse_session_handle(handle)
    if session_id is None:
        raise SessionNotFound("There is no such session of yours.")
    with tenant_transaction(session.tenant_id):
        if not _theirs(session).filter(id=session_id).exists():
            raise SessionNotFound("There is no such session of yours.")
        end_session(tenant_id=session.tenant_id, session_id=session_id, by=":".join(session.subject), at=at)


def end_other_sessions(*, session: Session, at: datetime) -> int:
    """End every session of the person in this tenant but the asking one, and return how many ended."""
    with tenant_transaction(session.tenant_id):
        others = list(_live(session, at=at).exclude(id=session.id).order_by("id").values_list("id", flat=True))
        for one in others:
            end_session(tenant_id=session.tenant_id, session_id=one, by=":".join(session.subject), at=at)
    return len(others)


def device_in_words(user_agent: str, device: str = "") -> str:
    """Say what a session is held by: the product's own name for the device, or what the browser says of itself."""
    if device:
        return device
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    said = " on ".join(filter(None, (browser, system)))
    return said[:1].upper() + said[1:]


def place_in_words(ip: str | None, *, here: str | None) -> str:
    """Say where an address is, as far as the address itself tells; nobody is asked about it."""
    if ip is None:
        return ""
    found = ip_address(ip)
    if found.is_loopback:
        return "the machine that Tiergate runs on"
    if ip == here:
        return "the same address as now"
    return "a private network" if found.is_private else ""


def _theirs(session: Session) -> QuerySet[SessionRow]:
    return SessionRow.objects.filter(
        tenant_id=session.tenant_id,
        subject_type=session.subject_type,
        subject_id=session.subject_id,
        user_id=session.user_id,
    )


def _live(session: Session, *, at: datetime) -> QuerySet[SessionRow]:
    return _theirs(session).filter(revoked_at__isnull=True, expires_at__gt=at)


def _shown(row: SessionRow, session: Session, here: SessionRow | None) -> OwnSession:
    current: UUID = session.id
    return OwnSession(
        id=session_handle(row.id),
        device=device_in_words(row.user_agent, row.device),
        place=place_in_words(row.ip, here=here.ip if here and row.id != current else None),
        ip=row.ip,
        is_current=row.id == current,
        is_support=row.impersonator != "",
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )
