"""What is wrong with data that somebody brings in; each is told to whoever runs the command, in its sentence."""


class DataRefused(Exception):
    """A file is not taken, and what was in force before still is."""


class DataBusy(Exception):
    """Somebody else is bringing in data here at this moment."""


class DataNotFound(Exception):
    """There is no such list or map."""
