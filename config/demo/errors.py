"""How the demo ends early."""


class DemoError(RuntimeError):
    """Say in one sentence why the demo cannot go on, and what would help."""


class Stopped(BaseException):
    """Somebody asked the demo to end; no handler of errors may swallow it."""
