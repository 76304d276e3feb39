"""The room's tables, private to it; other rooms come in by ``billing.api``."""

import uuid

from django.db import models
from django.db.models import F, Q


class Customer(models.Model):
    """Which tenant an account at Stripe is, and who is just reading its state.

    dirty_seq: raised by whatever may have changed the state. done_seq: what it was before the read that is stored.
    dirty_at: since when something is left to read; NULL while nothing is.
    lease_owner, lease_until: who reads, and until when nobody else does.
    fence: raised with each lease; who holds an older one stores nothing.
    fetched_at: the database's clock before the read that is stored; it never goes back.
    dead_at: since when a person has to look at it; it is still retried.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.OneToOneField("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    stripe_id = models.TextField(unique=True)
    created_at = models.DateTimeField()
    dirty_seq = models.BigIntegerField(default=1)
    done_seq = models.BigIntegerField(default=0)
    dirty_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.TextField(default="", blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    fetched_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)

    class Meta:
        """A trigger keeps fence, done_seq and fetched_at from going back."""

        constraints = (
            models.CheckConstraint(condition=Q(done_seq__lte=F("dirty_seq")), name="billing_customer_done"),
            models.CheckConstraint(
                condition=Q(dirty_at__isnull=True, dirty_seq=F("done_seq"))
                | Q(dirty_at__isnull=False, dirty_seq__gt=F("done_seq")),
                name="billing_customer_dirty_at",
            ),
            models.CheckConstraint(
                condition=Q(lease_owner="", lease_until__isnull=True)
                | Q(lease_until__isnull=False) & ~Q(lease_owner=""),
                name="billing_customer_lease",
            ),
            models.CheckConstraint(condition=Q(stripe_id__regex="^[A-Za-z0-9_]{1,255}$"), name="billing_customer_id"),
        )
        indexes = (
            models.Index(fields=("dirty_at",), condition=Q(dirty_at__isnull=False), name="billing_customer_dirty"),
            models.Index(fields=("dead_at",), condition=Q(dead_at__isnull=False), name="billing_customer_dead"),
            models.Index(fields=("fetched_at",), name="billing_customer_fetched"),
        )

    def __str__(self) -> str:
        """Show the id that Stripe gave."""
        return self.stripe_id


class Snapshot(models.Model):
    """What Stripe said last of one tenant, and what that came to.

    state: its subscriptions, as `billing.state` writes them. settled: what was made of the newest that could be
    read whole; problem: why the newest could not, or what is odd about it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    fetched_at = models.DateTimeField()
    fence = models.BigIntegerField()
    state = models.JSONField()
    settled = models.JSONField(null=True, blank=True)
    problem = models.TextField(default="", blank=True)

    class Meta:
        """One for a tenant."""

        constraints = (models.UniqueConstraint(fields=("tenant",), name="billing_snapshot_once"),)

    def __str__(self) -> str:
        """Show whose and of when."""
        return f"{self.tenant_id} at {self.fetched_at}"


class EventKind(models.TextChoices):
    """How much an event says; either way it is only taken for a hint that something changed."""

    SNAPSHOT = "snapshot"
    THIN = "thin"


class EventSource(models.TextChoices):
    """How an event came."""

    WEBHOOK = "webhook"
    CURSOR = "cursor"


class Event(models.Model):
    """One event of Stripe's, stored once however often it comes.

    customer: Stripe's id; "" where the event does not say.
    object_id: what it is about. resolved_at: when its customer was marked; NULL while nobody knows whose it is.
    """

    id = models.TextField(primary_key=True)
    kind = models.TextField(choices=EventKind)
    source = models.TextField(choices=EventSource)
    type = models.TextField()
    customer = models.TextField(default="", blank=True)
    object_id = models.TextField(default="", blank=True)
    livemode = models.BooleanField()
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)
    payload = models.JSONField()

    class Meta:
        """Kept for 35 days: longer than Stripe sends or lists any."""

        constraints = (
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="billing_event_kind"),
            models.CheckConstraint(condition=Q(source__in=EventSource.values), name="billing_event_source"),
        )
        indexes = (
            models.Index(
                fields=("received_at",), condition=Q(resolved_at__isnull=True), name="billing_event_unresolved"
            ),
            models.Index(fields=("received_at",), name="billing_event_received"),
        )

    def __str__(self) -> str:
        """Show id and type."""
        return f"{self.id} {self.type}"


class Price(models.Model):
    """Which version of a plan or add-on a price at Stripe pays for. Several prices may pay for one version."""

    id = models.TextField(primary_key=True)
    plan_version = models.ForeignKey("licensing.PlanVersion", on_delete=models.PROTECT, related_name="+")
    product = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Show the id that Stripe gave."""
        return self.id


class Cursor(models.Model):
    """How far Stripe's list of events was read.

    event_id: the newest that is so old that nothing older can still appear.
    """

    name = models.TextField(primary_key=True)
    event_id = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        """Show name and place."""
        return f"{self.name}: {self.event_id}"


class Call(models.Model):
    """A call that Stripe must get, written in the transaction that decided on it, made afterwards until it is answered.

    id: also the idempotency key, so that a call whose answer was lost is the same call again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    operation = models.TextField()
    parameters = models.JSONField()
    purpose = models.TextField()
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    next_try_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)
    answer = models.JSONField(null=True, blank=True)

    class Meta:
        """One purpose is called for once."""

        db_table = "billing_outbox"
        constraints = (models.UniqueConstraint(fields=("tenant", "purpose"), name="billing_outbox_once"),)
        indexes = (
            models.Index(
                fields=("next_try_at",),
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
                name="billing_outbox_due",
            ),
        )

    def __str__(self) -> str:
        """Show what and for whom."""
        return f"{self.operation} for {self.tenant_id}"


class Checkout(models.Model):
    """One way to pay that was opened for a tenant; at most one is open at a time, so that nobody pays twice.

    key: whoever asks again by the same one is shown the same checkout. prices: what it sells. trial_days: tried before.
    session_id, url: at Stripe; "" until it has answered. closed_at: when it was overtaken or found closed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    key = models.TextField()
    prices = models.JSONField()
    trial_days = models.PositiveSmallIntegerField(default=0, db_default=0)
    by = models.TextField()
    session_id = models.TextField(default="", blank=True)
    url = models.TextField(default="", blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Keys are one tenant's."""

        constraints = (
            models.UniqueConstraint(fields=("tenant", "key"), name="billing_checkout_key"),
            models.UniqueConstraint(
                fields=("tenant",), condition=Q(closed_at__isnull=True), name="billing_checkout_one_open"
            ),
        )

    def __str__(self) -> str:
        """Show the session's id."""
        return self.session_id


class QuoteWhen(models.TextChoices):
    """When a change takes effect."""

    NOW = "now"
    PERIOD_END = "period_end"


class Quote(models.Model):
    """What a change was said to cost; by it the change is made, once, at that price.

    state: the hash of the subscription that it was worked out from. items: as Stripe takes them.
    proration_date: seconds since 1970, to which both the preview and the change count.
    used_key: by what it was used; NULL while it was not. answer: what came of it; refused: why nothing did.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey("licensing.Tenant", on_delete=models.PROTECT, related_name="+")
    by = models.TextField()
    subscription = models.TextField()
    state = models.TextField()
    when = models.TextField(choices=QuoteWhen)
    wanted = models.JSONField()
    items = models.JSONField()
    proration_date = models.BigIntegerField()
    cost = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_key = models.TextField(null=True, blank=True)  # noqa: DJ001 - NULL says that it was not used
    answer = models.JSONField(null=True, blank=True)
    refused = models.TextField(default="", blank=True)

    class Meta:
        """Used is used by somebody's key."""

        constraints = (
            models.CheckConstraint(condition=Q(when__in=QuoteWhen.values), name="billing_quote_when"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True, used_key__isnull=True)
                | Q(used_at__isnull=False, used_key__isnull=False),
                name="billing_quote_used",
            ),
        )

    def __str__(self) -> str:
        """Show for what."""
        return f"{self.when} of {self.subscription}"
