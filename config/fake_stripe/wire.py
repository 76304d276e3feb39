"""What travels: Stripe's form encoding in, its JSON and its error bodies out."""

from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import parse_qsl

import msgspec

type Obj = dict[str, Any]

VERSION = "2026-10-28.endive"
_TRUE = {"true": True, "false": False}


class Refusal(Exception):
    """An answer that is an error, with Stripe's own type, code and parameter."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        known = {"code": code, "message": message, "param": param, "type": kind, **more}
        self.error: Obj = {name: value for name, value in known.items() if value is not None}

    def body(self) -> bytes:
        """Write the body."""
        return encode({"error": self.error})


class Missing(Refusal):
    """No such object: 404 where its id is in the path, 400 where a parameter names it."""

    def __init__(self, kind: str, name: str, *, param: str = "id", status: int = 404) -> None:
        words = kind.rpartition(".")[2].replace("_", " ")
        super().__init__(f"No such {words}: '{name}'", status=status, code="resource_missing", param=param)


class Params:
    """The parameters of a request, or of one member of it; every value arrives as text.

    path: how the member is named in errors, such as ``items[0]``.
    """

    def __init__(self, values: Obj, path: str = "") -> None:
        self.values = values
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def named(self, name: str) -> str:
        """Name a member as errors do."""
        return f"{self.path}[{name}]" if self.path else name

    def only(self, *allowed: str) -> Self:
        """Take these members and no others: what the fake does not do is refused, not passed over.

        :raises Refusal: another is given.
        """
        for name in self.values:
            if name not in allowed:
                unknown = self.named(name)
                raise Refusal(f"Received unknown parameter: {unknown}", code="parameter_unknown", param=unknown)
        return self

    def text(self, name: str) -> str | None:
        """Read a text; None where it is absent or empty.

        :raises Refusal: it is a list or a hash.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.invalid(name, "string")
        return value

    def needed(self, name: str) -> str:
        """Read a text that must be there.

        :raises Refusal: it is not.
        """
        value = self.text(name)
        if value is None:
            known = self.named(name)
            raise Refusal(f"Missing required param: {known}.", code="parameter_missing", param=known)
        return value

    def whole(self, name: str) -> int | None:
        """Read a whole number.

        :raises Refusal: it is none.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise Refusal(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.named(name)
            ) from None

    def flag(self, name: str) -> bool | None:
        """Read a boolean.

        :raises Refusal: it is none.
        """
        value = self.text(name)
        if value is None:
            return None
        if value not in _TRUE:
            raise Refusal(f"Invalid boolean: {value}", param=self.named(name))
        return _TRUE[value]

    def choice(self, name: str, *allowed: str) -> str | None:
        """Read one of some words.

        :raises Refusal: it is another.
        """
        value = self.text(name)
        if value is not None and value not in allowed:
            raise Refusal(f"Invalid {name}: must be one of {', '.join(allowed)}", param=self.named(name))
        return value

    def choice_or_whole(self, name: str, *allowed: str) -> str | int | None:
        """Read one of some words, or a whole number.

        :raises Refusal: it is neither.
        """
        value = self.text(name)
        return value if value is None or value in allowed else self.whole(name)

    def inner(self, name: str) -> "Params | None":
        """Read a hash; None where it is absent or empty.

        :raises Refusal: it is no hash.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise self.invalid(name, "object")
        return Params(value, self.named(name))

    def rows(self, name: str) -> "list[Params]":
        """Read a list of hashes.

        :raises Refusal: it is none.
        """
        found = []
        for number, value in enumerate(self.listed(name)):
            if not isinstance(value, dict):
                raise self.invalid(name, "array of objects")
            found.append(Params(value, f"{self.named(name)}[{number}]"))
        return found

    def words(self, name: str) -> list[str]:
        """Read a list of texts.

        :raises Refusal: it is none.
        """
        found = self.listed(name)
        if not all(isinstance(value, str) for value in found):
            raise self.invalid(name, "array")
        return found

    def listed(self, name: str) -> list[Any]:
        """Read a list of whatever it holds.

        :raises Refusal: it is none.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise self.invalid(name, "array")
        return value

    def metadata(self, old: Obj | None = None) -> Obj:
        """Merge the metadata given into what there was: an empty value removes its key, an empty hash all.

        :raises Refusal: it is no hash of texts.
        """
        if "metadata" not in self.values:
            return dict(old or {})
        given = self.inner("metadata")
        if given is None:
            return {}
        merged = {**(old or {}), **given.values}
        return {key: value for key, value in merged.items() if value != ""}

    def invalid(self, name: str, kind: str) -> Refusal:
        """Say that a member is of the wrong kind."""
        return Refusal(f"Invalid {kind}", param=self.named(name))


def decode_form(text: str) -> Obj:
    """Read ``items[0][price]=x&expand[]=y`` into nested hashes and lists.

    :raises Refusal: a name is both a value and a hash.
    """
    tree: Obj = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        node = tree
        for key in rest:
            node = node.setdefault(first, {})
            if not isinstance(node, dict):
                raise Refusal("Invalid hash", param=name)
            first = key or str(len(node))
        node[first] = value
    return {name: _listed(name, value) for name, value in tree.items()}


def _listed(name: str, value: Any) -> Any:
    """Turn hashes whose keys are all numbers into lists; metadata's keys are its owner's."""
    if not isinstance(value, dict) or name == "metadata":
        return value
    if all(key.isdigit() for key in value):
        return [_listed("", one) for _key, one in sorted(value.items(), key=lambda item: int(item[0]))]
    return {key: _listed(key, one) for key, one in value.items()}


def encode(value: Any) -> bytes:
    """Write JSON."""
    return msgspec.json.encode(value)


def copied(value: Obj) -> Obj:
    """Copy an object as it would travel: nothing in the copy is shared."""
    copy: Obj = msgspec.json.decode(msgspec.json.encode(value))
    return copy


def listing(url: str, rows: list[Obj], *, has_more: bool = False) -> Obj:
    """Write a list as Stripe does."""
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}
