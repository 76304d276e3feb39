"""What the sample product's API takes and gives."""

from typing import Any

from rest_framework import serializers


class ReportAnswer(serializers.Serializer[Any]):
    """A report by its id."""

    id = serializers.CharField()
    title = serializers.CharField()


class ReportList(serializers.Serializer[Any]):
    """A workspace's reports."""

    items = ReportAnswer(many=True)


class ShareAnswer(serializers.Serializer[Any]):
    """An address that shows a report to whoever has it."""

    report = serializers.CharField()
    url = serializers.CharField()


class ExportRequest(serializers.Serializer[Any]):
    """Which report to export."""

    report = serializers.CharField(max_length=64)


class PaymentRequest(serializers.Serializer[Any]):
    """A payment: the amount in minor units, e.g. cents."""

    reference = serializers.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    amount = serializers.IntegerField(min_value=1, max_value=100_000_000)
    currency = serializers.RegexField(r"^[A-Z]{3}$", default="EUR")
    payee = serializers.CharField(max_length=200)


class PaymentAnswer(serializers.Serializer[Any]):
    """An approved payment."""

    id = serializers.CharField()
    reference = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    payee = serializers.CharField()
    approved_by = serializers.CharField()
    approved_at = serializers.DateTimeField()


class DeletionAnswer(serializers.Serializer[Any]):
    """When a workspace will be deleted."""

    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
