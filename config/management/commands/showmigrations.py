"""`manage.py showmigrations`, as the owner of the schema unless another alias is named."""

from django.core.management.base import CommandParser
from django.core.management.commands import showmigrations


class Command(showmigrations.Command):
    """Django's own command on the alias `owner`: no other role may change a table."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Set the default alias."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
