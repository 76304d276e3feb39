"""Moving what is sealed to the newest key, while everything goes on."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import BinaryField, F, Func, QuerySet, Value

from isolation.errors import SecretUnreadable
from isolation.keyring import key_of, newest_header, seal, unseal

BATCH: Final = 200


@dataclass(slots=True, kw_only=True)
class Resealed:
    """What a run did. unreadable: the rows that no key of the ring opens; they are as they were."""

    moved: int = 0
    unreadable: list[str] = field(default_factory=list)


def reseal_column(
    rows: QuerySet[Any],
    column: str,
    *,
    purpose: str,
    place: Callable[[Any], str],
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> Resealed:
    """Seal each secret of ``rows`` with the newest key, where another one sealed it.

    No row is locked while it is opened and sealed: it is written only if it still holds what was read, so a secret
    that somebody replaces meanwhile stays theirs. Each row stands by itself, so a run that is killed is gone on with
    by the next, and two at once share the work.

    place: what a row's secret is bound to, as it was sealed.
    progress: told after each batch how many were moved so far.
    """
    header = newest_header()
    head = Func(F(column), Value(1), Value(len(header)), function="substr", output_field=BinaryField())
    waiting = rows.annotate(_head=head).exclude(_head=header).order_by("pk")
    done = Resealed()
    page = list(waiting[:batch])
    while page:
        for row in page:
            old = bytes(getattr(row, column))
            bound_to = place(row)
            try:
                fresh = seal(unseal(old, purpose=purpose, bound_to=bound_to), purpose=purpose, bound_to=bound_to)
            except SecretUnreadable:
                done.unreadable.append(str(row.pk))
                continue
            done.moved += rows.filter(pk=row.pk, **{column: old}).update(**{column: fresh})
        if progress is not None:
            progress(done.moved)
        page = list(waiting.filter(pk__gt=page[-1].pk)[:batch])
    return done


def count_by_key(rows: QuerySet[Any], column: str) -> Counter[str]:
    """Count sealed secrets by the id of the key that sealed them; one of an unknown shape under ""."""
    found = rows.order_by().values_list(column, flat=True).iterator(chunk_size=2_000)
    return Counter(key_of(bytes(sealed)) for sealed in found)
