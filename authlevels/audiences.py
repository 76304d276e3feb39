"""For whom a token is: the name by which a service knows itself, usually its address."""

from typing import Final

MAX_AUDIENCE: Final = 255


def audience(text: str) -> str:
    """Return the name of a service as given.

    :raises ValueError: empty, longer than 255 characters, or with what is no visible ASCII character.
    """
    if not 0 < len(text) <= MAX_AUDIENCE or not all("!" <= one <= "~" for one in text):
        raise ValueError("An audience is 1 to 255 visible ASCII characters, without spaces.")
    return text
