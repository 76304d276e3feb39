"""What a tenant could use, told for a page: in sentences, and feature by feature."""

from dataclasses import dataclass

from licensing.history.authors import put_there_by
from licensing.history.known import Known
from licensing.history.wording import FROM_BEFORE, asks, subscription_sentences, value_of, why
from tiergate import join


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFeature:
    """One feature. worth: "-" where it was not granted. asks: "" where nothing was. because: sentences."""

    key: str
    is_granted: bool
    worth: str
    asks: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStory:
    """What a tenant was on, and each feature by key."""

    sentences: tuple[str, ...]
    features: tuple[KnownFeature, ...]


def tell_known(known: Known) -> KnownStory:
    """Tell what a tenant could use and why, with who put it on what it was on."""
    sentences = subscription_sentences(known, author=put_there_by(known))
    return KnownStory(
        sentences=(*sentences, *([FROM_BEFORE] if known.is_from_before else ())),
        features=tuple(
            KnownFeature(
                key=key,
                is_granted=one.is_granted,
                worth=value_of(one),
                asks=asks(asked) if (asked := join(one.contributions)) else "",
                because=tuple(why(known, key)),
            )
            for key, one in known.entitlements.items()
        ),
    )
