"""An approval is of one credential, not of whichever bears its name; a yes is of one membership, not of the next."""

from typing import Final

from django.conf import settings
from django.db import migrations, models

# The release before this one writes no credential: what it opens for a service is for nobody here, and is asked for anew.
_MAY_END: Final = """
CREATE OR REPLACE FUNCTION authlevels_keep_terms() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    may_change CONSTANT text[] := '{refused_at,used_at,used_by,closed_at,ended_at}';
BEGIN
    IF to_jsonb(NEW) - may_change IS DISTINCT FROM to_jsonb(OLD) - may_change THEN
        RAISE EXCEPTION 'what people agree to does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER keep_end BEFORE UPDATE ON authlevels_approval_grant
    FOR EACH ROW EXECUTE FUNCTION authlevels_keep_end('ended_at');
"""
_NEVER_ENDS: Final = """
DROP TRIGGER keep_end ON authlevels_approval_grant;
CREATE OR REPLACE FUNCTION authlevels_keep_terms() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    may_change CONSTANT text[] := '{refused_at,used_at,used_by,closed_at}';
BEGIN
    IF to_jsonb(NEW) - may_change IS DISTINCT FROM to_jsonb(OLD) - may_change THEN
        RAISE EXCEPTION 'what people agree to does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
"""

# The lock makes whoever ends a membership wait for a yes that is being given by it, so that the end finds the yes.
_BY_A_MEMBER: Final = """
CREATE FUNCTION authlevels_by_a_member() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM FROM licensing_member m
    WHERE m.tenant_id = NEW.tenant_id AND m.subject_type = NEW.subject_type AND m.subject_id = NEW.subject_id AND m.active
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a member agrees to anything' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER by_a_member BEFORE INSERT ON authlevels_approval_grant
    FOR EACH ROW EXECUTE FUNCTION authlevels_by_a_member();
CREATE FUNCTION authlevels_agreement_ends() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE authlevels_approval_grant SET ended_at = clock_timestamp()
    WHERE tenant_id = OLD.tenant_id AND subject_type = OLD.subject_type AND subject_id = OLD.subject_id
      AND ended_at IS NULL;
    UPDATE authlevels_approval SET closed_at = clock_timestamp()
    WHERE tenant_id = OLD.tenant_id AND subject_type = OLD.subject_type AND subject_id = OLD.subject_id
      AND session_id IS NOT NULL AND closed_at IS NULL AND refused_at IS NULL;
    RETURN NULL;
END
$body$;
CREATE TRIGGER agreement_ends AFTER DELETE ON licensing_member
    FOR EACH ROW EXECUTE FUNCTION authlevels_agreement_ends();
CREATE TRIGGER agreement_ends_meanwhile AFTER UPDATE OF active ON licensing_member
    FOR EACH ROW WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION authlevels_agreement_ends();
"""
_BY_ANYBODY: Final = """
DROP TRIGGER agreement_ends ON licensing_member;
DROP TRIGGER agreement_ends_meanwhile ON licensing_member;
DROP FUNCTION authlevels_agreement_ends();
DROP TRIGGER by_a_member ON authlevels_approval_grant;
DROP FUNCTION authlevels_by_a_member();
"""

_STANDING: Final = models.Q(ended_at__isnull=True)


class Migration(migrations.Migration):
    """Two columns, and triggers on the table of the room below, which knows nothing of them."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("authlevels", "0021_support_ends"),
        ("licensing", "0010_batches"),
    ]
    operations = [
        migrations.AddField(
            model_name="approval",
            name="credential_id",
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(session_id__isnull=True) | models.Q(credential_id__isnull=True),
                name="approval_of_person_or_service",
            ),
        ),
        migrations.AddField(
            model_name="approvalgrant",
            name="ended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RemoveConstraint(model_name="approvalgrant", name="approval_granted_once_by_each"),
        migrations.RemoveConstraint(model_name="approvalgrant", name="approval_granted_once_by_each_member"),
        migrations.AddConstraint(
            model_name="approvalgrant",
            constraint=models.UniqueConstraint(
                condition=_STANDING,
                fields=("tenant_id", "approval_id", "user"),
                name="approval_granted_once_by_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalgrant",
            constraint=models.UniqueConstraint(
                condition=_STANDING,
                fields=("tenant_id", "approval_id", "subject_type", "subject_id"),
                name="approval_granted_once_by_each_member",
            ),
        ),
        migrations.RunSQL(_MAY_END, _NEVER_ENDS),
        migrations.RunSQL(_BY_A_MEMBER, _BY_ANYBODY),
    ]
