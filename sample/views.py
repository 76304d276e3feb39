"""Northwind's API. Each view says which action it is; who may do that, and how surely known, is Tiergate's matter."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels import api as authlevels
from decisions import api as decisions
from isolation.api import tenant_transaction
from isolation.clock import now
from sample.payments import approve_payment, schedule_deletion
from sample.reports import as_csv, get_report, list_reports
from sample.serializers import (
    DeletionAnswer,
    ExportRequest,
    PaymentAnswer,
    PaymentRequest,
    ReportAnswer,
    ReportList,
    ShareAnswer,
)

_CSV = {(200, "text/csv"): OpenApiTypes.STR}


class ReportsView(APIView):
    """The workspace's reports: in every plan."""

    required_action = "reports.read"

    def get_resource(self, request: Request) -> decisions.Entity:  # noqa: ARG002 - the door passes it
        """Name the whole shelf."""
        return decisions.Entity(type="report", id="all")

    @extend_schema(responses=ReportList, operation_id="northwind_list_reports", tags=["northwind"])
    def get(self, request: Request) -> Response:
        """List the reports."""
        found = list_reports(_answer(request).home)
        return Response(
            ReportList({"items": [ReportAnswer({"id": one.id, "title": one.title}).data for one in found]}).data
        )


class ShareView(APIView):
    """Sharing outside the workspace: premium."""

    required_action = "reports.share"

    def get_resource(self, request: Request, report: str) -> decisions.Entity:  # noqa: ARG002 - the door passes it
        """Name the report."""
        return decisions.Entity(type="report", id=report)

    @extend_schema(
        request=None, responses={201: ShareAnswer}, operation_id="northwind_share_report", tags=["northwind"]
    )
    def post(self, request: Request, report: str) -> Response:
        """Make an address that shows the report."""
        found = get_report(_answer(request).home, report)
        token = signing.dumps([_answer(request).home.hex, found.id], salt="northwind.share")
        url = f"{settings.TIERGATE_BASE_URL}/northwind/shared/{token}"
        return Response(ShareAnswer({"report": found.id, "url": url}).data, status=201)


class SharedReportView(APIView):
    """A report by its shared address."""

    open_because = "whoever was given the signed address may read what it names; making one is what is guarded"

    @extend_schema(responses=_CSV, operation_id="northwind_shared_report", tags=["northwind"], auth=[])
    def get(self, request: Request, token: str) -> HttpResponse:  # noqa: ARG002 - DRF passes it
        """Show the report, for seven days."""
        try:
            tenant, report = signing.loads(token, salt="northwind.share", max_age=7 * 24 * 3600)
        except signing.BadSignature:
            return decisions.problem_response(404, code="not_found", detail="This address shows nothing (any more).")
        return _csv(tenant, report)


class CsvExportView(APIView):
    """Exporting figures: premium."""

    required_action = "exports.create_csv"

    def get_resource(self, request: Request) -> decisions.Entity:
        """Name the report that the body names."""
        return decisions.Entity(type="report", id=_read(ExportRequest(data=request.data))["report"])

    @extend_schema(request=ExportRequest, responses=_CSV, operation_id="northwind_export_csv", tags=["northwind"])
    def post(self, request: Request) -> HttpResponse:
        """Export a report."""
        answer = _answer(request)
        return _csv(answer.home.hex, answer.question.resource.id)


class RegulatedExportView(CsvExportView):
    """Exporting personal data: regulated, and strictest in production, which is what an unnamed environment is."""

    required_action = "exports.create_regulated"

    @extend_schema(
        request=ExportRequest,
        responses=_CSV,
        operation_id="northwind_export_regulated",
        tags=["northwind"],
    )
    def post(self, request: Request) -> HttpResponse:
        """Export personal data."""
        return super().post(request)


class PaymentsView(APIView):
    """Approving payments: one confirmation is good for one payment, of that amount, to that payee."""

    required_action = "payments.approve"
    consumes_elevation = True

    def get_resource(self, request: Request) -> decisions.Entity:
        """Name the payment with what a person is shown and confirms."""
        given = _read(PaymentRequest(data=request.data))
        return decisions.Entity(
            type="payment",
            id=given["reference"],
            properties={"amount": given["amount"], "currency": given["currency"], "payee": given["payee"]},
        )

    @extend_schema(
        request=PaymentRequest,
        responses={201: PaymentAnswer},
        operation_id="northwind_approve_payment",
        tags=["northwind"],
    )
    def post(self, request: Request) -> Response:
        """Approve a payment, and use the confirmation up with it."""
        with decisions.elevation_consumed(request) as answer:
            resource = answer.question.resource
            row = approve_payment(
                tenant_id=answer.home,
                reference=resource.id,
                amount=resource.properties["amount"],
                currency=resource.properties["currency"],
                payee=resource.properties["payee"],
                by=answer.question.asked_by,
                at=now(),
            )
        return Response(PaymentAnswer(row).data, status=201)


class WorkspaceView(APIView):
    """The workspace as a whole."""

    required_action = "workspace.delete"

    def get_resource(self, request: Request) -> decisions.Entity:
        """Name the workspace of whoever calls."""
        principal = authlevels.caller(request)
        workspace = str(principal.session.tenant_id) if isinstance(principal, authlevels.PersonPrincipal) else ""
        return decisions.Entity(type="workspace", id=workspace)

    @extend_schema(
        request=None, responses={202: DeletionAnswer}, operation_id="northwind_delete_workspace", tags=["northwind"]
    )
    def delete(self, request: Request) -> Response:
        """Have the workspace deleted, in thirty days."""
        answer = _answer(request)
        with tenant_transaction(answer.home):
            row = schedule_deletion(tenant_id=answer.home, by=answer.question.asked_by, at=now())
        return Response(DeletionAnswer(row).data, status=202)


def _answer(request: Request) -> decisions.Answer:
    """Return the decision that let the request in, on what it was about and for whose workspace."""
    found: decisions.Answer = request._request.decision  # type: ignore[attr-defined]  # noqa: SLF001 - left by the door
    return found


def _read(body: Any) -> dict[str, Any]:
    body.is_valid(raise_exception=True)
    given: dict[str, Any] = body.validated_data
    return given


def _csv(tenant_hex: str, report_id: str) -> HttpResponse:
    found = get_report(UUID(tenant_hex), report_id)
    headers = {"Content-Disposition": f'attachment; filename="{found.id}.csv"', "Cache-Control": "no-store"}
    return HttpResponse(as_csv(found), content_type="text/csv; charset=utf-8", headers=headers)
