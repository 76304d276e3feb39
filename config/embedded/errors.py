"""The one error that an embedded service ends in: a sentence for the person who started it."""


class EmbeddedError(RuntimeError):
    """Say in one sentence what stopped the embedded services and what would help."""
