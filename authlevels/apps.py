"""How Django finds this room."""

from django.apps import AppConfig


class AuthlevelsConfig(AppConfig):
    """The room of people, sessions, factors, challenges and elevations."""

    name = "authlevels"
    verbose_name = "Assurance"

    def ready(self) -> None:
        """Hear of credentials that were revoked elsewhere."""
        import licensing.api  # noqa: PLC0415 - not before the models are there
        from authlevels.credentials import forget_credentials  # noqa: PLC0415 - as above

        licensing.api.subscribe(forget_credentials)
