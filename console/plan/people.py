"""Who is in a workspace, who could show what its plan asks, and whom it has invited."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import author, held_by, person_page, see_other
from console.plan.seeing import may_see
from console.plan.wording import LEVELS
from isolation.clock import now
from licensing import api as licensing
from tiergate import Action, Counted, Level, TiergateError

HOME: Final = "/console/people"
_PAGE: Final = 100
_ADDRESS_LENGTH: Final = 254
_MOST_ROLES: Final = 20
_DONE: Final = {"taken-back": "The invitation is taken back, and its seat is free."}


@person_page(Action.MEMBER_READ, "GET", "HEAD", home=HOME)
def people(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show members and seats, open invitations, and who is not ready."""
    return _shown(request, session)


@person_page(Action.MEMBER_WRITE, "POST", home=HOME)
def invite(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Invite somebody, and show this once what accepts it."""
    address = request.POST.get("address", "").replace("\x00", "")[:_ADDRESS_LENGTH]
    try:
        invited, token = licensing.invite(
            tenant_id=session.tenant_id,
            address=address,
            roles=request.POST.getlist("roles")[:_MOST_ROLES],
            within=held_by(request),
            inviter=session.subject,
            by=author(request),
            at=now(),
        )
    except TiergateError as error:
        return _shown(request, session, error=error.detail, typed=address, status=409)
    return _shown(request, session, invited=invited, token=token, base_url=settings.TIERGATE_BASE_URL)


@person_page(Action.MEMBER_WRITE, "POST", home=HOME)
def take_back(request: HttpRequest, session: authlevels.Session, invitation: UUID) -> HttpResponseBase:
    """Take an invitation back."""
    try:
        licensing.revoke_invitation(
            tenant_id=session.tenant_id,
            invitation_id=invitation,
            within=held_by(request),
            by=author(request),
            at=now(),
        )
    except TiergateError as error:
        return _shown(request, session, error=error.detail, status=409)
    return see_other(f"{HOME}?done=taken-back")


def _shown(request: HttpRequest, session: authlevels.Session, *, status: int = 200, **more: Any) -> HttpResponse:
    at, tenant_id = now(), session.tenant_id
    privileges = held_by(request)
    members = licensing.list_members(tenant_id=tenant_id, after=_after(request), limit=_PAGE + 1)
    last = members[_PAGE - 1] if len(members) > _PAGE else None
    roles = licensing.list_roles(tenant_id=tenant_id)
    context = {
        "here": "people",
        **may_see(privileges),
        "tenant": licensing.get_tenant(tenant_id),
        "members": members[:_PAGE],
        "onward": f"{last.subject_type}:{last.subject_id}" if last else "",
        "invitations": licensing.list_invitations(tenant_id=tenant_id, at=at),
        "seats": _seats(tenant_id, at),
        # Nobody grants what they do not hold: the door would refuse it.
        "roles": [one.key for one in roles if privileges.issuperset(one.privileges)],
        "readiness": (ready := authlevels.readiness(tenant_id=tenant_id, at=at)),
        "asked": LEVELS[ready.level] if ready.level > Level.AAL1 else "",
        "done": _DONE.get(request.GET.get("done", "")),
        **more,
    }
    return render(request, "console/plan/people.html", context, status=status)


def _seats(tenant_id: UUID, at: datetime) -> dict[str, Any] | None:
    """Tell how many seats are taken of the tightest limit on members, where the plan counts them."""
    snapshot = licensing.get_snapshot(tenant_id=tenant_id, at=at)
    usage = licensing.usage_of(tenant_id=tenant_id, at=at)
    counted = [
        usage[key]
        for key, one in snapshot.entitlements.items()
        if one.counts == Counted.MEMBERS and one.is_granted and key in usage
    ]
    if not counted:
        return None
    view = min(counted, key=lambda one: (one.unlimited, one.limit or 0))
    taken = view.used + view.reserved
    is_full = view.limit is not None and taken >= view.limit
    said = f"{taken:,} taken" if view.limit is None else f"{taken:,} of {view.limit:,}"
    return {"view": view, "taken": taken, "said": said, "is_full": is_full}


def _after(request: HttpRequest) -> tuple[str, str] | None:
    kind, colon, name = request.GET.get("after", "").replace("\x00", "")[:400].partition(":")
    return (kind, name) if colon else None
