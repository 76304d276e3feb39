"""Members and roles over HTTP."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.catalogue_rows import requirement_json, requirement_of
from licensing.errors import MemberNotFound
from licensing.members import Member, get_member, list_members, put_member, remove_member
from licensing.names import split_subject
from licensing.roles import RoleView as RoleStanding
from licensing.roles import get_role, list_roles, put_role
from licensing.serializers import (
    MemberAnswer,
    MemberBody,
    MemberPage,
    RoleAnswer,
    RoleBody,
    RolePage,
)
from licensing.tenants import get_tenant
from licensing.wire import PAGE_PARAMETERS, author, checked, documented, held_by_author, page_of, paged
from tiergate import Action


def member_json(member: Member) -> dict[str, Any]:
    """Write a member."""
    return {
        "subject_type": member.subject_type,
        "subject_id": member.subject_id,
        "roles": list(member.roles),
        "display_name": member.display_name,
        "active": member.active,
    }


def role_json(role: RoleStanding) -> dict[str, Any]:
    """Write a role as it stands."""
    return {
        "key": role.key,
        "privileges": list(role.privileges),
        "requirement": requirement_json(role.requirement),
        "is_built_in": role.is_built_in,
    }


class MemberListView(APIView):
    """A tenant's members."""

    required_action = Action.MEMBER_READ
    tenant_kwarg = "tenant"

    @documented("list_members", MemberPage, parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List the members by subject, page by page."""
        after, limit = page_of(request)
        behind = split_subject(after) if after else None
        found = list_members(tenant_id=get_tenant(tenant).id, after=behind, limit=limit + 1)
        return paged(found, limit, member_json, lambda one: f"{one.subject_type}:{one.subject_id}")


class MemberView(APIView):
    """One member; the path names the subject as ``alice`` (a ``user``) or ``account:alice``."""

    required_action = {"GET": Action.MEMBER_READ, "PUT": Action.MEMBER_WRITE, "DELETE": Action.MEMBER_WRITE}
    tenant_kwarg = "tenant"

    @documented("get_member", MemberAnswer)
    def get(self, request: Request, tenant: str, subject: str) -> Response:  # noqa: ARG002 - as routed
        """Show a member."""
        subject_type, subject_id = split_subject(subject)
        found = get_member(tenant_id=get_tenant(tenant).id, subject_type=subject_type, subject_id=subject_id)
        if found is None:
            raise MemberNotFound("The tenant has no such member.")
        return Response(member_json(found))

    @documented("put_member", MemberAnswer, body=MemberBody, statuses=(200, 201))
    def put(self, request: Request, tenant: str, subject: str) -> Response:
        """Create or replace a member."""
        subject_type, subject_id = split_subject(subject)
        given = checked(MemberBody, request)
        found, created = put_member(
            tenant_id=get_tenant(tenant).id,
            subject_type=subject_type,
            subject_id=subject_id,
            **given,
            within=held_by_author(request),
            by=author(request),
            at=now(),
        )
        return Response(member_json(found), status=201 if created else 200)

    @documented("delete_member", None, statuses=(204,))
    def delete(self, request: Request, tenant: str, subject: str) -> Response:
        """End a membership."""
        subject_type, subject_id = split_subject(subject)
        remove_member(
            tenant_id=get_tenant(tenant).id,
            subject_type=subject_type,
            subject_id=subject_id,
            within=held_by_author(request),
            by=author(request),
            at=now(),
        )
        return Response(status=204)


class RoleListView(APIView):
    """A tenant's roles."""

    required_action = Action.ROLE_READ
    tenant_kwarg = "tenant"

    @documented("list_roles", RolePage)
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """List every role that a member of this tenant may have."""
        found = list_roles(tenant_id=get_tenant(tenant).id)
        return Response({"items": [role_json(one) for one in found], "next": None})


class RoleView(APIView):
    """One role."""

    required_action = {"GET": Action.ROLE_READ, "PUT": Action.ROLE_WRITE}
    tenant_kwarg = "tenant"

    @documented("get_role", RoleAnswer)
    def get(self, request: Request, tenant: str, key: str) -> Response:  # noqa: ARG002 - as routed
        """Show a role as it stands."""
        return Response(role_json(get_role(tenant_id=get_tenant(tenant).id, key=key)))

    @documented("put_role", RoleAnswer, body=RoleBody, statuses=(200, 201))
    def put(self, request: Request, tenant: str, key: str) -> Response:
        """Create or replace a role; of a built-in one, what the tenant adds to it."""
        given = checked(RoleBody, request)
        found, created = put_role(
            tenant_id=get_tenant(tenant).id,
            key=key,
            privileges=given["privileges"],
            requirement=requirement_of(given["requirement"]),
            within=held_by_author(request),
            by=author(request),
            at=now(),
        )
        return Response(role_json(found), status=201 if created else 200)
