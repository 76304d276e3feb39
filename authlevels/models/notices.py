"""What a person is told by e-mail, written with the change that it tells of and sent afterwards."""

import uuid

from django.db import models


class Notice(models.Model):
    """A message that waits to be sent, or was. An address is no factor: nothing that it says lets anybody do anything.

    address: the person's when it happened; one that is changed afterwards does not divert it.
    told: what its sentences say besides, such as a factor's name. leased_until: some worker is sending it.
    once: names what this person is told a single time of that kind; empty for what may come again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant_id = models.UUIDField(editable=False)
    subject_type = models.CharField(max_length=64, editable=False)
    subject_id = models.CharField(max_length=255, editable=False)
    kind = models.CharField(max_length=40, editable=False)
    address = models.CharField(max_length=254, editable=False)
    once = models.CharField(max_length=64, editable=False, default="", db_default="")
    told = models.JSONField(editable=False)
    created_at = models.DateTimeField(editable=False)
    next_try_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_notice"
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="notice_waiting",
                condition=models.Q(sent_at__isnull=True, given_up_at__isnull=True),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "subject_type", "subject_id", "kind", "once"],
                name="notice_told_once",
                condition=~models.Q(once=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.created_at:%Y-%m-%dT%H:%M:%SZ}"
