"""Tokens over HTTP: taken out of an elevation, asked about (RFC 7662), taken back (RFC 7009); and the keys."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels import api as authlevels
from decisions import tokens
from decisions.wire import echoed
from isolation.clock import now
from tiergate import Action

_NO_STORE = {"Cache-Control": "no-store"}
_NAMED = [
    OpenApiParameter(
        "X-Request-ID",
        location=OpenApiParameter.HEADER,
        description="The same request again has the same token of a transaction, while it lives.",
    )
]


class TokenRequest(serializers.Serializer[Any]):
    """What the token is to be good for (names with spaces between, RFC 6749 section 3.3), and which service it is for."""

    scope = serializers.CharField(max_length=2000)
    audience = serializers.CharField(max_length=255)

    def validate_audience(self, value: str) -> str:
        """Return the audience as given.

        :raises ValidationError: it is none.
        """
        try:
            return authlevels.audience(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class TokenAnswer(serializers.Serializer[Any]):
    """A token, as OAuth answers one (RFC 6749 section 5.1). There is never a refresh token."""

    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    scope = serializers.CharField()


class TokenNamed(serializers.Serializer[Any]):
    """A token that is asked about, or taken back."""

    token = serializers.CharField(max_length=8192)
    token_type_hint = serializers.CharField(max_length=64, required=False, allow_blank=True)


class IntrospectionAnswer(serializers.Serializer[Any]):
    """Whether a token is good now; its claims only where it is."""

    active = serializers.BooleanField()
    token_type = serializers.CharField(required=False)
    scope = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    sub = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False)
    iat = serializers.IntegerField(required=False)
    acr = serializers.CharField(required=False)
    amr = serializers.ListField(child=serializers.CharField(), required=False)
    auth_time = serializers.IntegerField(required=False)
    approvals = serializers.IntegerField(required=False)
    tenant = serializers.CharField(required=False)
    sid = serializers.CharField(required=False)
    txn = serializers.CharField(required=False)
    resource = serializers.CharField(required=False)
    environment = serializers.CharField(required=False)
    bound = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False)


class KeysAnswer(serializers.Serializer[Any]):
    """Public keys (RFC 7517 section 5)."""

    keys = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class ElevationTokenView(APIView):
    """What an elevation can hand on."""

    required_action = Action.TOKEN_ISSUE

    @extend_schema(request=TokenRequest, responses={200: TokenAnswer}, parameters=_NAMED, operation_id="issue_token")
    def post(self, request: Request, elevation: str) -> Response:
        """Issue a token that is good for no more than the elevation, for five minutes at most."""
        return _issued(request, elevation)


class ApprovalTokenView(APIView):
    """What others agreed to, handed on to the service that asked for it."""

    required_action = Action.TOKEN_ISSUE

    @extend_schema(
        request=TokenRequest, responses={200: TokenAnswer}, parameters=_NAMED, operation_id="issue_agreed_token"
    )
    def post(self, request: Request, approval: str) -> Response:
        """Issue a token that is good for exactly what others agreed to, for five minutes at most."""
        return _issued(request, approval, is_agreed=True)


class IntrospectView(APIView):
    """Whether tokens are still good."""

    required_action = Action.TOKEN_INTROSPECT
    parser_classes = (authlevels.BoundedFormParser, authlevels.BoundedJSONParser)

    @extend_schema(request=TokenNamed, responses={200: IntrospectionAnswer}, operation_id="introspect_token")
    def post(self, request: Request) -> Response:
        """Say whether a token is good now; of one that is not for a service of the caller's, only that it is not."""
        body = TokenNamed(data=request.data)
        body.is_valid(raise_exception=True)
        caller = authlevels.presenter_of(request._request)  # noqa: SLF001 - DRF has no other door
        if caller.credential is None:
            return Response({"active": False}, headers=_NO_STORE)
        told = tokens.introspect(clear=body.validated_data["token"], credential=caller.credential, at=now())
        return Response(told, headers=_NO_STORE)


class RevokeView(APIView):
    """Taking tokens back."""

    required_action = Action.TOKEN_REVOKE
    parser_classes = (authlevels.BoundedFormParser, authlevels.BoundedJSONParser)

    @extend_schema(
        request=TokenNamed,
        responses={200: OpenApiResponse(description="It is good no longer.")},
        operation_id="revoke_token",
    )
    def post(self, request: Request) -> Response:
        """Take a token back; of one that is none, or is another's, nothing is told (RFC 7009 section 2.2)."""
        body = TokenNamed(data=request.data)
        body.is_valid(raise_exception=True)
        presenter = authlevels.presenter_of(request._request)  # noqa: SLF001 - DRF has no other door
        tokens.revoke(clear=body.validated_data["token"], presenter=presenter, at=now())
        return Response(status=200, headers=_NO_STORE)


def _issued(request: Request, ref: str, *, is_agreed: bool = False) -> Response:
    body = TokenRequest(data=request.data)
    body.is_valid(raise_exception=True)
    at = now()
    # One that is not fit for a header is none: nothing is used again by it.
    request_id = echoed(request.headers.get("X-Request-ID", "")).get("X-Request-ID", "")
    issued = tokens.issue(
        request_id=request_id,
        ref=ref,
        is_agreed=is_agreed,
        scopes=body.validated_data["scope"].split(),
        audience=body.validated_data["audience"],
        presenter=authlevels.presenter_of(request._request),  # noqa: SLF001 - DRF has no other door
        at=at,
    )
    answer = {
        "access_token": issued.clear,
        "token_type": "Bearer",
        "expires_in": int((issued.expires_at - at).total_seconds()),
        "scope": " ".join(issued.scopes),
    }
    return Response(TokenAnswer(answer).data, headers=_NO_STORE)


class KeysView(APIView):
    """The keys by which anybody can tell that a token is ours."""

    open_because = "public keys, which every service that is shown a token must be able to read"
    authentication_classes = ()

    @extend_schema(responses=KeysAnswer, operation_id="token_keys")
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as DRF calls it
        """Give the public keys; those of the next key too, and of the last while its tokens live."""
        keys = list(authlevels.published_keys(at=now()).values())
        kept = int(authlevels.KEYS_CACHED_FOR.total_seconds())
        return Response({"keys": keys}, headers={"Cache-Control": f"public, max-age={kept}"})
