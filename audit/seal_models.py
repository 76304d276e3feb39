"""The tables of the tree that seals the trail; `audit.sealing` alone writes them."""

from django.db import models


class Leaf(models.Model):
    """An entry's place in the tree, counted from 0, and the hash over every column of it.

    ordinal: the how manyth of its tenant's entries, counted from 1. previous_seq: the one of its tenant before it,
    0 for the first. Both are hashed with the entry, so that an entry missing from a tenant's export is missed.
    What else stands here names an entry that is gone.
    """

    position = models.BigIntegerField(primary_key=True, editable=False)
    tenant_id = models.UUIDField(editable=False)
    ordinal = models.BigIntegerField(editable=False)
    previous_seq = models.BigIntegerField(editable=False)
    entry_id = models.UUIDField(editable=False)
    seq = models.BigIntegerField(editable=False)
    kind = models.TextField(editable=False)
    at = models.DateTimeField(editable=False)
    hash = models.BinaryField(editable=False)

    class Meta:
        """Two sealers at once cannot give one place, or one entry, twice."""

        app_label = "audit"
        verbose_name_plural = "leaves"
        constraints = (
            models.UniqueConstraint(fields=("seq",), name="audit_leaf_once"),
            models.UniqueConstraint(fields=("tenant_id", "ordinal"), name="audit_leaf_one_behind_another"),
        )

    def __str__(self) -> str:
        """Name the leaf by its place."""
        return f"leaf {self.position}"


class Node(models.Model):
    """The hash over 256 whole leaves, or over 256 such nodes: every eighth level of the tree is kept, no other."""

    pk = models.CompositePrimaryKey("level", "position")
    level = models.SmallIntegerField(editable=False)
    position = models.BigIntegerField(editable=False)
    hash = models.BinaryField(editable=False)

    class Meta:
        """As it stands."""

        app_label = "audit"

    def __str__(self) -> str:
        """Name the node by level and place."""
        return f"node {self.level}/{self.position}"


class Checkpoint(models.Model):
    """The tree at one size, signed.

    body: what is signed, in the very characters that are (`audit.verifier.Checkpoint`). peaks: the hashes of the
    whole trees that the tree is made of, largest first, 32 bytes each: from them it grows on.
    """

    number = models.BigIntegerField(primary_key=True, editable=False)
    size = models.BigIntegerField(editable=False)
    at = models.DateTimeField(editable=False)
    body = models.TextField(editable=False)
    key_id = models.TextField(editable=False)
    signature = models.BinaryField(editable=False)
    peaks = models.BinaryField(editable=False)

    class Meta:
        """A proof looks for the first one that reaches a leaf."""

        app_label = "audit"
        indexes = (models.Index(fields=("size",), name="audit_checkpoint_by_size"),)

    def __str__(self) -> str:
        """Name the checkpoint by its number."""
        return f"checkpoint {self.number}"
