"""Who a signal is about, as a table can hold and index it."""

type Subject = tuple[str, str]

MOST_CHARACTERS = 1_000
_MOST_BYTES = 1_280
_MOST_OF_TYPE = 32


def storable(subject: Subject) -> Subject:
    """Give a subject without NUL and lone surrogates, and no longer than an index takes: whatever was typed as a name may come here."""
    kind, name = subject
    encoded = name[:MOST_CHARACTERS].replace("\x00", "\ufffd").encode("utf-8", "replace")
    return kind[:_MOST_OF_TYPE].replace("\x00", "\ufffd"), encoded[:_MOST_BYTES].decode("utf-8", "ignore")
