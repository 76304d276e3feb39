"""Invitations over HTTP."""

from datetime import timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.errors import InvitationNotFound
from licensing.invitations import Invitation, accept_invitation, invite, list_invitations, revoke_invitation
from licensing.names import as_uuid, split_subject
from licensing.serializers import MemberAnswer
from licensing.serializers_invitations import AcceptBody, InvitationPage, InviteBody, InvitedAnswer
from licensing.tenants import get_tenant
from licensing.views_people import member_json
from licensing.wire import PAGE_PARAMETERS, author, checked, documented, held_by_author, member_of, page_of, paged
from tiergate import Action


def invitation_json(told: Invitation) -> dict[str, Any]:
    """Write an invitation."""
    return {
        "id": told.id,
        "address": told.address,
        "roles": list(told.roles),
        "by": told.by,
        "created_at": told.created_at,
        "expires_at": told.expires_at,
    }


class InvitationListView(APIView):
    """A tenant's open invitations."""

    required_action = {"GET": Action.MEMBER_READ, "POST": Action.MEMBER_WRITE}
    tenant_kwarg = "tenant"

    @documented("list_invitations", InvitationPage, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List the open invitations by address, page by page."""
        after, limit = page_of(request)
        found = list_invitations(tenant_id=get_tenant(tenant).id, after=after, limit=limit + 1, at=now())
        return paged(found, limit, invitation_json, lambda one: one.address)

    @documented("invite", InvitedAnswer, body=InviteBody, statuses=(201,))
    def post(self, request: Request, tenant: str) -> Response:
        """Invite somebody, and hold a seat for them; the token that accepts it is told this once."""
        given, tenant_id = checked(InviteBody, request), get_tenant(tenant).id
        told, token = invite(
            tenant_id=tenant_id,
            address=given["address"],
            roles=given["roles"],
            ttl=timedelta(seconds=given["ttl"]),
            within=held_by_author(request),
            inviter=member_of(request, tenant_id=tenant_id),
            by=author(request),
            at=now(),
        )
        return Response({**invitation_json(told), "token": token}, status=201)


class InvitationView(APIView):
    """One invitation."""

    required_action = Action.MEMBER_WRITE
    tenant_kwarg = "tenant"

    @documented("revoke_invitation", None, statuses=(204,))
    def delete(self, request: Request, tenant: str, invitation: str) -> Response:
        """Take an invitation back, and its seat with it."""
        found = as_uuid(invitation)
        if found is None:
            raise InvitationNotFound("There is no such invitation, or it is over.")
        revoke_invitation(
            tenant_id=get_tenant(tenant).id,
            invitation_id=found,
            within=held_by_author(request),
            by=author(request),
            at=now(),
        )
        return Response(status=204)


class AcceptView(APIView):
    """Joining."""

    required_action = Action.MEMBER_WRITE
    tenant_kwarg = "tenant"

    @documented("accept_invitation", MemberAnswer, body=AcceptBody, statuses=(201,))
    def post(self, request: Request, tenant: str) -> Response:
        """Make a member of who was invited, in the seat that was held for them."""
        given = checked(AcceptBody, request)
        subject_type, subject_id = split_subject(given["subject"])
        told = accept_invitation(
            tenant_id=get_tenant(tenant).id,
            token=given["token"],
            invitation_id=given["invitation"],
            subject_type=subject_type,
            subject_id=subject_id,
            display_name=given["display_name"],
            within=held_by_author(request),
            by=author(request),
            at=now(),
        )
        return Response(member_json(told), status=201)
