"""Addresses as somebody might write them one day: each trusts, or tells, something that it must not."""

from typing import Any
from uuid import UUID

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import licensing.api
from authlevels.views_sessions import own_credential
from config.urls import urlpatterns as real
from isolation import clock
from isolation.api import tenant_transaction
from licensing.models import Member, Role
from tiergate import Action


class _Named(serializers.Serializer[Any]):
    tenant = serializers.CharField()


class _MembersOfTheTenantThatTheBodyNames(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(request=_Named, responses=None, operation_id="planted_body")
    def post(self, request: Request) -> Response:
        given: Any = request.data
        found = licensing.api.get_tenant(given["tenant"])
        with tenant_transaction(found.id):
            return Response(list(Member.objects.values_list("subject_id", flat=True)))


class _MembersOfTheTenantThatTheQueryNames(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(responses=None, operation_id="planted_query")
    def get(self, request: Request) -> Response:
        if "tenant" not in request.query_params:
            return Response([])
        try:
            found = licensing.api.get_tenant(request.query_params["tenant"])
        except licensing.api.TenantNotFound:
            return Response([])
        return Response(len(licensing.api.list_members(tenant_id=found.id)))


class _TellsThatThereIsSuchATenant(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(request=None, responses=None, operation_id="planted_oracle")
    def get(self, request: Request, tenant: str) -> Response:
        found = licensing.api.get_tenant(tenant)
        return Response(status=204 if own_credential(request).reaches(found.id) else 403)


class _ReadsByTheSweep(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(request=None, responses=None, operation_id="planted_sweep")
    def get(self, request: Request, key: str) -> Response:  # noqa: ARG002 - as routed
        return Response(Role.objects.using("sweep").filter(key=key).count())


class _WritesWhereThePathSays(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(request=None, responses=None, operation_id="planted_write")
    def put(self, request: Request, tenant: str, subject: UUID) -> Response:  # noqa: ARG002 - as routed
        try:
            found = licensing.api.get_tenant(tenant)
        except licensing.api.TenantNotFound:
            return Response(status=204)
        licensing.api.put_member(
            tenant_id=found.id, subject_type="user", subject_id="spy", roles=[], by="planted", at=clock.now()
        )
        return Response(status=204)


class _ListsEverybody(APIView):
    required_action = Action.ROLE_READ

    @extend_schema(responses=None, operation_id="planted_list")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        return Response(list(Member.objects.using("sweep").values_list("display_name", flat=True)))


planted = [
    path("body", _MembersOfTheTenantThatTheBodyNames.as_view()),
    path("query", _MembersOfTheTenantThatTheQueryNames.as_view()),
    path("oracle/<str:tenant>", _TellsThatThereIsSuchATenant.as_view()),
    path("sweep/<str:key>", _ReadsByTheSweep.as_view()),
    path("write/<str:tenant>/<str:subject>", _WritesWhereThePathSays.as_view()),
    path("list", _ListsEverybody.as_view()),
]
urlpatterns = [path("", include(real)), path("planted/", include(planted))]
