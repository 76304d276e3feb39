"""Lists of networks, the same for every tenant; private to the room."""

from typing import Any

from django.db import models
from django.db.models import Q

from riskengine.data.kinds import LISTS, Mark


class NetworkField(models.Field):  # type: ignore[type-arg]  # a text either way
    """PostgreSQL's ``cidr``: a network of IPv4 or IPv6, as text in Python."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - Django's signature
        """Name the column's type."""
        return "cidr"


class NetworkList(models.Model):
    """A list that is in force.

    mark: what it says of a network that is on it. digest: SHA-256 of the file that was brought in last. as_of: when what it says
    was so; stale_after: the age by which a newer one has been forgotten. version: raised by each change.
    ranges: its networks, packed for processes (`riskengine.data.ranges`): what the rows of `ListedNetwork` say, made with them.
    """

    name = models.TextField(primary_key=True)
    kind = models.TextField(choices=[(one, one) for one in LISTS])
    mark = models.TextField(choices=[(one.value, one.value) for one in Mark])
    digest = models.TextField()
    networks = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField()
    imported_at = models.DateTimeField()
    stale_after = models.DurationField()
    source = models.TextField(default="", blank=True)
    licence = models.TextField(default="", blank=True)
    attribution = models.TextField(default="", blank=True)
    version = models.BigIntegerField(default=0)
    ranges = models.BinaryField(default=b"")

    class Meta:
        """Of a kind and a mark that there are."""

        db_table = "riskengine_list"
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=list(LISTS)), name="riskengine_list_kind"),
            models.CheckConstraint(condition=Q(mark__in=[one.value for one in Mark]), name="riskengine_list_mark"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z0-9][a-z0-9_.-]{0,63}$"), name="riskengine_list_name"
            ),
        )

    def __str__(self) -> str:
        """Show its name."""
        return self.name


class ListedNetwork(models.Model):
    """One network that a list names, and until when; NULL: for as long as the list does."""

    id = models.BigAutoField(primary_key=True)
    named_by = models.ForeignKey(
        NetworkList, on_delete=models.CASCADE, db_column="list", related_name="rows", db_index=False
    )
    network = NetworkField()
    until = models.DateTimeField(null=True)

    class Meta:
        """Each network once in a list."""

        db_table = "riskengine_listed"
        constraints = (models.UniqueConstraint(fields=("named_by", "network"), name="riskengine_listed_once"),)

    def __str__(self) -> str:
        """Show the network."""
        return str(self.network)
