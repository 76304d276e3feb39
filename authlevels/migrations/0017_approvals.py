"""Approvals: what other members are asked to agree to, and who did."""

import uuid
from typing import Final

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from isolation.migrations_ops import composite_fk, isolate

_KEEP_TERMS: Final = """
CREATE FUNCTION authlevels_keep_terms() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    may_change CONSTANT text[] := '{refused_at,used_at,used_by,closed_at}';
BEGIN
    IF to_jsonb(NEW) - may_change IS DISTINCT FROM to_jsonb(OLD) - may_change THEN
        RAISE EXCEPTION 'what people agree to does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_terms BEFORE UPDATE ON authlevels_approval
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_terms();
CREATE TRIGGER keep_refusal BEFORE UPDATE ON authlevels_approval
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('refused_at');
CREATE TRIGGER keep_use BEFORE UPDATE ON authlevels_approval
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('used_at');
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_approval
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('closed_at');
CREATE TRIGGER keep_terms BEFORE UPDATE ON authlevels_approval_grant
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_terms();
"""
_DROP_TERMS: Final = """
DROP TRIGGER keep_terms ON authlevels_approval;
DROP TRIGGER keep_refusal ON authlevels_approval;
DROP TRIGGER keep_use ON authlevels_approval;
DROP TRIGGER keep_end ON authlevels_approval;
DROP TRIGGER keep_terms ON authlevels_approval_grant;
DROP FUNCTION authlevels_keep_terms();
"""
_NOT_BY_ONESELF: Final = """
CREATE FUNCTION authlevels_not_by_oneself() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (
        SELECT FROM authlevels_approval a LEFT JOIN authlevels_session s
            ON s.tenant_id = a.tenant_id AND s.id = a.session_id
        WHERE a.tenant_id = NEW.tenant_id AND a.id = NEW.approval_id AND (
            (a.subject_type = NEW.subject_type AND a.subject_id = NEW.subject_id)
            OR s.user_id = NEW.user_id OR a.session_id = NEW.session_id
            OR a.refused_at IS NOT NULL OR a.closed_at IS NOT NULL OR a.expires_at <= NEW.at
        )
    ) THEN
        RAISE EXCEPTION 'nobody agrees to what they asked for themselves, or to what is closed'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER not_by_oneself BEFORE INSERT ON authlevels_approval_grant
    FOR EACH ROW EXECUTE FUNCTION authlevels_not_by_oneself();
"""
_DROP_BY_ONESELF: Final = """
DROP TRIGGER not_by_oneself ON authlevels_approval_grant;
DROP FUNCTION authlevels_not_by_oneself();
"""


class Migration(migrations.Migration):
    """Two tables, and what Django cannot say of them."""

    dependencies = [
        ("authlevels", "0016_factor_life"),
    ]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False, null=True)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("binding", models.CharField(editable=False, max_length=64)),
                ("requirement", models.JSONField(editable=False)),
                ("requirement_digest", models.CharField(editable=False, max_length=64)),
                ("needed", models.PositiveSmallIntegerField(editable=False)),
                ("privilege", models.TextField(editable=False)),
                ("policy_version", models.CharField(editable=False, max_length=128)),
                ("decision_id", models.UUIDField(editable=False)),
                ("action", models.CharField(editable=False, max_length=128)),
                ("resource_type", models.CharField(editable=False, max_length=128)),
                ("resource_id", models.CharField(editable=False, max_length=512)),
                ("display", models.JSONField(editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("refused_at", models.DateTimeField(null=True)),
                ("used_at", models.DateTimeField(null=True)),
                ("used_by", models.CharField(blank=True, default="", max_length=255)),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "authlevels_approval",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="approval_tenant_id"),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("tenant_id", "subject_type", "subject_id", "binding", "requirement_digest"),
                        name="approval_equal_open_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("needed__gte", 1)), name="approval_needs_somebody"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))), name="approval_ends_after_start"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("used_at__isnull", True), ("refused_at__isnull", True), _connector="OR"),
                        name="approval_refused_is_not_used",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("used_at__isnull", True), ("closed_at__isnull", False), _connector="OR"),
                        name="approval_used_is_closed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalGrant",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField(editable=False)),
                ("approval_id", models.UUIDField(editable=False)),
                ("session_id", models.UUIDField(editable=False)),
                ("subject_type", models.CharField(editable=False, max_length=64)),
                ("subject_id", models.CharField(editable=False, max_length=255)),
                ("level", models.CharField(editable=False, max_length=8)),
                ("at", models.DateTimeField(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "authlevels_approval_grant",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant_id", "id"), name="approval_grant_tenant_id"),
                    models.UniqueConstraint(
                        fields=("tenant_id", "approval_id", "user"), name="approval_granted_once_by_each"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "approval_id", "subject_type", "subject_id"),
                        name="approval_granted_once_by_each_member",
                    ),
                ],
            },
        ),
        *isolate("authlevels_approval"),
        *isolate("authlevels_approval_grant"),
        *composite_fk("authlevels_approval", "session_id", "authlevels_session"),
        *composite_fk("authlevels_approval_grant", "approval_id", "authlevels_approval"),
        *composite_fk("authlevels_approval_grant", "session_id", "authlevels_session"),
        migrations.RunSQL(_KEEP_TERMS, _DROP_TERMS),
        migrations.RunSQL(_NOT_BY_ONESELF, _DROP_BY_ONESELF),
    ]
