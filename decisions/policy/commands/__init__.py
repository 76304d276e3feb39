"""What `manage.py policy` can do with the server's own database: a module for each verb.

Each has ``HELP``, ``add_arguments(parser)``, and ``run(given, out, err)``, which gives the code to exit with: see
`decisions.management.commands.policy`, which lists them.
"""
