"""A workspace's word about risk as a form: the mode, and what each band asks."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from authlevels import api as authlevels
from console.doors import author, held_by, person_page, see_other
from console.plan.seeing import may_see
from console.plan.wording import asked_in_words
from console.risk.wording import MODES
from isolation.clock import now
from licensing import api as licensing
from riskengine import api as riskengine
from tiergate import Action, Band, Level, Requirement, Sensitivity, TiergateError, Verb

HOME: Final = "/console/risk/policy"
NOTHING: Final = "nothing"
_DONE: Final = {"changed": "The policy is changed. It is in force from the next request on."}


def _aal2(max_age: int | None, *, phishing_resistant: bool = False) -> Requirement:
    return Requirement(level=Level.AAL2, max_age=max_age, phishing_resistant=phishing_resistant)


# From the least to the most; whatever else a workspace asks by the API is offered beside these.
OFFERED: Final = (
    _aal2(None),
    *(_aal2(age) for age in (3600, 900, 300)),
    *(_aal2(age, phishing_resistant=True) for age in (3600, 900, 300)),
    Requirement(level=Level.AAL3, max_age=300, phishing_resistant=True),
)

_KINDS: Final = {
    (Level.AAL2, False): "second factor",
    (Level.AAL2, True): "unphishable",
    (Level.AAL3, True): "security key",
}


@person_page(Action.RISK_READ, "GET", "HEAD", home=HOME)
def policy(request: HttpRequest, session: authlevels.Session) -> HttpResponse:
    """Show what risk does in the workspace."""
    return _shown(request, session, done=_DONE.get(request.GET.get("done", "")))


@person_page(Action.RISK_WRITE, "POST", home=HOME)
def change(request: HttpRequest, session: authlevels.Session) -> HttpResponseBase:
    """Change it; what is wrong is said beside what was chosen."""
    tenant_id = session.tenant_id
    chosen = {name: str(value) for name, value in request.POST.items()}
    try:
        table = _read(chosen, riskengine.get_policy(tenant_id=tenant_id))
        riskengine.put_policy(
            tenant_id=tenant_id, mode=chosen.get("mode", ""), table=table, by=author(request), at=now()
        )
    except TiergateError as error:
        return _shown(request, session, chosen=chosen, error=error.detail, status=400)
    return see_other(f"{HOME}?done=changed")


def _read(chosen: Mapping[str, str], held: riskengine.RiskPolicy) -> dict[str, dict[str, Any]]:
    """Read the whole table; what was not offered is not taken.

    :raises riskengine.RiskPolicyRefused: a choice is missing, or is none.
    """
    table: dict[str, dict[str, Any]] = {}
    for band in riskengine.BANDS:
        table[band] = {}
        for one in Sensitivity:
            name = f"{band}.{one.value}"
            offered = _offered(held.table[band][one])
            if chosen.get(name) not in offered:
                raise riskengine.RiskPolicyRefused(f"Choose what {band} asks where it is {one.value}.")
            asked = offered[chosen[name]]
            table[band][one.value] = None if asked is None else asked.to_json()
    return table


def _offered(held: Requirement | None) -> dict[str, Requirement | None]:
    """Give what one cell can say, by what its form sends; what it says now is always among that."""
    found: dict[str, Requirement | None] = {NOTHING: None}
    return found | {_key(one): one for one in (*OFFERED, *([held] if held else []))}


def _key(asked: Requirement | None) -> str:
    if asked is None:
        return NOTHING
    marks = [asked.level.value, str(asked.max_age or 0)]
    marks += ["phishing"] if asked.phishing_resistant else []
    marks += ["device"] if asked.device_bound else []
    return "-".join(marks)


def _in_brief(asked: Requirement | None) -> str:
    """Say what is asked so that a narrow field shows it; what is not offered everywhere is said at length."""
    if asked is None:
        return "nothing more"
    if asked not in OFFERED:
        return asked_in_words(asked) or "nothing more"
    kind = _KINDS[asked.level, asked.phishing_resistant]
    return kind if asked.max_age is None else f"{kind}, {asked.max_age // 60} min"


def _shown(
    request: HttpRequest,
    session: authlevels.Session,
    *,
    chosen: Mapping[str, str] | None = None,
    error: str = "",
    done: str | None = None,
    status: int = 200,
) -> HttpResponse:
    held, privileges = riskengine.get_policy(tenant_id=session.tenant_id), held_by(request)
    chosen = chosen or {}
    context = {
        **may_see(privileges),
        "here": "risk",
        "tenant": licensing.get_tenant(session.tenant_id),
        "may_change": Verb.RISK_WRITE in privileges,
        "modes": [
            (one.value, title, means, one.value == chosen.get("mode", held.mode.value))
            for one, (title, means) in MODES.items()
        ],
        "sensitivities": [one.value for one in Sensitivity],
        "table": [(band, [_cell(band, one, held, chosen) for one in Sensitivity]) for band in riskengine.BANDS],
        "error": error,
        "done": done,
    }
    return render(request, "console/risk/policy.html", context, status=status)


def _cell(band: Band, sensitivity: Sensitivity, held: riskengine.RiskPolicy, chosen: Mapping[str, str]) -> Any:
    name, asked = f"{band}.{sensitivity.value}", held.table[band][sensitivity]
    selected = chosen.get(name, _key(asked))
    return {
        "name": name,
        "sensitivity": sensitivity.value,
        "said": asked_in_words(asked) or "nothing more",
        "choices": [(key, _in_brief(one), key == selected) for key, one in _offered(asked).items()],
    }
