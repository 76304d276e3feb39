"""The room that answers whether a call may go ahead."""

from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    """Registers the check that every URL says what it needs."""

    name = "decisions"
    verbose_name = "Decisions"

    def ready(self) -> None:
        """Load the system check."""
        from decisions import checks  # noqa: F401, PLC0415 - registers itself once the apps are there
