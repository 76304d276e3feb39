"""Who may change which rules are in force: where others have to agree, people alone."""

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from authlevels import api as authlevels
from decisions.drf import NO_DEMANDS, Demands, RequiredAction
from decisions.problems import RefusedByDecision
from tiergate import Contribution, ErrorKind, Forbid, Reason, Requirement, Scope, TiergateError

if TYPE_CHECKING:
    from rest_framework.views import APIView

_SOURCE: Final = "setting:TIERGATE_POLICY_APPROVALS"
_PEOPLE: Final = "Rules are put in force by people here, of whom others have to agree."


class PeopleMustApply(TiergateError):
    """A service would change which rules are in force, where that takes people who agree."""

    code = "people_must_apply"
    kind = ErrorKind.FORBIDDEN


class MayApply(RequiredAction):
    """Lets a request in as any door does, and tells a service that this is not for services."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Decide.

        :raises PeopleMustApply: it is for people, and a service asks that may do it otherwise.
        """
        try:
            return super().has_permission(request, view)
        except RefusedByDecision as error:
            is_forbidden = error.answer.decision.reason == Reason.FORBIDDEN_BY_POLICY
            if is_forbidden and _is_service(request) and settings.POLICY_APPROVALS:
                raise PeopleMustApply(_PEOPLE, decision_id=error.answer.public_id) from error
            raise


def approvals_to_apply() -> int:
    """Say how many other people have to agree before somebody changes which rules are in force."""
    needed: int = settings.POLICY_APPROVALS
    return needed


def demands_of(request: Request | HttpRequest) -> Demands:
    """Say what changing the rules in force asks besides, by the installation's settings: so many who agree."""
    needed: int = settings.POLICY_APPROVALS
    if not needed:
        return NO_DEMANDS
    if _is_service(request):
        return Demands(forbids=(Forbid(source=_SOURCE, because=_PEOPLE),))
    requirement = Requirement(scope=Scope.TRANSACTION, approvals=needed)
    return Demands(contributions=(Contribution(source=_SOURCE, requirement=requirement, because=_PEOPLE),))


def _is_service(request: Request | HttpRequest) -> bool:
    return isinstance(authlevels.caller(request), authlevels.ServicePrincipal)
