"""Protocol buffers' encoding, as far as a serialised expression needs it.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from typing import Final

_SIGN: Final = 1 << 63
# The bit that says that more follows, and how far numbers of 64 bits go.
_MORE: Final = 0x80
_LONGEST: Final = 63


class Fields:
    """The fields of one message, by number, each with all its values in order."""

    def __init__(self, found: dict[int, list[int | bytes]]) -> None:
        self._found = found

    def has(self, number: int) -> bool:
        """Say whether a field was written, even with its default."""
        return number in self._found

    def one(self, number: int) -> bytes:
        """Give the last value of a field as bytes; empty when it was not written.

        :raises ValueError: the field is a number.
        """
        value = self._found.get(number, [b""])[-1]
        if isinstance(value, int):
            raise ValueError(f"field {number} holds a number")  # noqa: TRY004 - what was read is at fault
        return value

    def integer(self, number: int) -> int:
        """Give a field as a signed 64-bit number; 0 when it was not written.

        :raises ValueError: the field is no number.
        """
        value = self._found.get(number, [0])[-1]
        if isinstance(value, bytes):
            raise ValueError(f"field {number} holds no number")  # noqa: TRY004 - what was read is at fault
        return value - (_SIGN << 1) if value & _SIGN else value

    def text(self, number: int) -> str:
        """Give a field as text; "" when it was not written.

        :raises ValueError: the field is no text.
        """
        return self.one(number).decode()

    def message(self, number: int) -> "Fields":
        """Give a field as a message; an empty one when it was not written.

        :raises ValueError: the field is no message.
        """
        return read_fields(self.one(number))

    def messages(self, number: int) -> list["Fields"]:
        """Give all values of a field as messages.

        :raises ValueError: one is no message.
        """
        return [read_fields(value) for value in self._found.get(number, []) if isinstance(value, bytes)]


def read_fields(data: bytes) -> Fields:
    """Read one message.

    :raises ValueError: it is cut short, or holds what no message holds.
    """
    found: dict[int, list[int | bytes]] = {}
    at = 0
    try:
        while at < len(data):
            key, at = _number(data, at)
            value: int | bytes
            match key & 7:
                case 0:
                    value, at = _number(data, at)
                case 1:
                    value, at = data[at : at + 8], at + 8
                case 2:
                    length, at = _number(data, at)
                    value, at = data[at : at + length], at + length
                case 5:
                    value, at = data[at : at + 4], at + 4
                case other:
                    raise ValueError(f"no such kind of field: {other}")
            found.setdefault(key >> 3, []).append(value)
    except IndexError:
        at = len(data) + 1
    if at > len(data):
        raise ValueError("the message is cut short")
    return Fields(found)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of any length, and say where what follows begins.

    :raises IndexError: it is cut short.
    """
    byte = data[at]
    if byte < _MORE:
        return byte, at + 1
    value = shift = 0
    while byte >= _MORE and shift < _LONGEST:
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        byte = data[at]
    return value | byte << shift, at + 1
