"""Whether what was read of sessions still stands."""

from django.db import models


class Standing(models.Model):
    """A counter that database triggers raise in the very transaction that takes something back from people.

    One row for each tenant, under its id, and one for the people of our own sign-in, who may belong to many tenants.
    Whoever remembers a session compares the two with those that it was read with.
    """

    scope = models.UUIDField(primary_key=True, editable=False)
    number = models.BigIntegerField(default=0, editable=False)

    class Meta:
        """What the database itself holds to."""

        db_table = "authlevels_standing"

    def __str__(self) -> str:
        return f"{self.scope}: {self.number}"
