"""Bodies that hold what is known, and nothing else."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


class StrictBody(serializers.Serializer[Any]):
    """Refuses members that it does not know: a misspelt one must not read as absent."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the member names before the values."""
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError({name[:100]: ["Unknown member."] for name in unknown[:20]})
        return super().to_internal_value(data)

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """Read a request's body; anything else than its shape is a 400."""
        body = cls(data=request.data)
        body.is_valid(raise_exception=True)
        found: dict[str, Any] = body.validated_data
        return found
