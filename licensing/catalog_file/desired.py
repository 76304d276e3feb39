"""What a catalogue file asks for: the kernel's values, once every name that is used is found declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from licensing.catalog_file.mistakes import FileRefused, Mistake, Place, shown
from licensing.catalog_file.shape import Shape, check_shape, read_schema
from licensing.catalog_file.source import Document
from licensing.catalogue_changes import PlanSpec
from licensing.models.catalogue import GRACE_DAYS, PlanKind
from licensing.plan_content import Price
from tiergate import (
    BUILTIN_ROLES,
    OWN_PREFIX,
    VENDOR_ROLES,
    ActionSpec,
    BatchSpec,
    CallerKind,
    Counted,
    FeatureKind,
    FeatureSpec,
    Requirement,
    ResetPeriod,
    ScopeSpec,
    Sensitivity,
    Term,
    Verb,
)

CATALOG_SCHEMA: Final = Path(__file__).parent.parent / "schemas" / "catalog.schema.json"

SECTIONS: Final = {PlanKind.PLAN: "plans", PlanKind.ADD_ON: "add_ons"}
_VERBS: Final = frozenset(verb.value for verb in Verb)


@dataclass(slots=True, kw_only=True)
class DesiredRole:
    """What a role is to grant in every tenant, besides what is built in."""

    privileges: set[str] = field(default_factory=set)
    requirement: Requirement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredCatalogue:
    """The whole catalogue as a file wants it."""

    document: Document
    features: Mapping[str, FeatureSpec]
    actions: Mapping[str, ActionSpec]
    roles: Mapping[str, DesiredRole]
    plans: tuple[PlanSpec, ...]
    scopes: Mapping[str, ScopeSpec]


def desired_catalogue(document: Document) -> DesiredCatalogue:
    """Read what a document asks for.

    :raises FileRefused: anything at all is wrong with it; every mistake is told.
    """
    return _Translation(document, check_shape(document, read_schema(CATALOG_SCHEMA))).run()


def requirement_in(value: Mapping[str, Any]) -> Requirement | None:
    """Read ``requires`` of an entry that its schema allows; None where it says nothing."""
    asked = value.get("requires")
    return None if asked is None else Requirement.from_json(asked)


class _Translation:
    def __init__(self, document: Document, shape: Shape) -> None:
        self.document = document
        self.shape = shape
        self.mistakes: list[Mistake] = list(shape.mistakes)
        self.features: dict[str, FeatureSpec] = {}
        self.actions: dict[str, ActionSpec] = {}
        self.roles: dict[str, DesiredRole] = {}
        self.plans: list[PlanSpec] = []
        self.scopes: dict[str, ScopeSpec] = {}

    def run(self) -> DesiredCatalogue:
        for key, value, path in self.entries("features"):
            if self.shape.is_whole(path):
                self.features[key] = FeatureSpec(
                    key=key,
                    kind=FeatureKind(value["kind"]),
                    sensitivity=Sensitivity(value.get("sensitivity", Sensitivity.STANDARD)),
                    title=value["title"],
                    requirement=requirement_in(value),
                    counts=Counted(value["counts"]) if "counts" in value else None,
                )
                if "counts" in value and value["kind"] != FeatureKind.LIMIT:
                    self.wrong((*path, "counts"), "is said of what is no limit.")
        for key, value, path in self.entries("roles"):
            self.role(key, value, path)
        for name, value, path in self.entries("actions"):
            self.action(name, value, path)
        self.check_role_privileges()
        for name, value, path in self.entries("scopes"):
            self.scope(name, value, path)
        for kind, section in SECTIONS.items():
            for key, value, path in self.entries(section):
                self.plan(kind, key, value, path)
        self.check_one_default()
        if self.mistakes:
            raise FileRefused(self.document.name, self.mistakes)
        return DesiredCatalogue(
            document=self.document,
            features=self.features,
            actions=self.actions,
            roles=self.roles,
            plans=tuple(self.plans),
            scopes=self.scopes,
        )

    def entries(self, section: str) -> Iterator[tuple[str, Any, Place]]:
        root = self.document.value
        found = root.get(section) if isinstance(root, dict) else None
        for key, value in found.items() if isinstance(found, dict) else ():
            yield key, value, (section, key)

    def declares(self, section: str, key: str) -> bool:
        """Say whether the file has an entry, be it right or wrong."""
        root = self.document.value
        found = root.get(section) if isinstance(root, dict) else None
        return isinstance(found, dict) and key in found

    def wrong(self, path: Place, sentence: str) -> None:
        self.mistakes.append(self.document.mistake(path, sentence))

    def role(self, key: str, value: Any, path: Place) -> None:
        if key in VENDOR_ROLES:
            self.wrong(path, "is the vendor's own role and cannot be changed here.")
        elif self.shape.is_whole(path):
            self.roles[key] = DesiredRole(
                privileges=set(value.get("privileges", [])), requirement=requirement_in(value)
            )

    def action(self, name: str, value: Any, path: Place) -> None:
        if name.startswith(OWN_PREFIX):
            self.wrong(path, f"cannot be declared: names that begin with '{OWN_PREFIX}' belong to Tiergate itself.")
        if not isinstance(value, dict):
            return
        feature = value.get("feature")
        if isinstance(feature, str) and not self.declares("features", feature):
            self.wrong((*path, "feature"), f"names {shown(feature)}, which is not among the features.")
        privilege = value.get("privilege", name)
        if privilege in _VERBS:
            self.wrong((*path, "privilege"), f"cannot be {shown(privilege)}: that lets people act in Tiergate itself.")
        granted = value.get("granted_to", [])
        for number, role in enumerate(granted if isinstance(granted, list) else []):
            if role in VENDOR_ROLES or not (
                isinstance(role, str) and (role in BUILTIN_ROLES or self.declares("roles", role))
            ):
                self.wrong(
                    (*path, "granted_to", number),
                    f"names {shown(str(role))}, which is none of {', '.join(BUILTIN_ROLES)}, nor among the roles.",
                )
            else:
                self.roles.setdefault(role, DesiredRole()).privileges.add(privilege)
        if self.shape.is_whole(path):
            self.actions[name] = _action(name, value)

    def scope(self, name: str, value: Any, path: Place) -> None:
        actions = value.get("actions") if isinstance(value, dict) else None
        for number, action in enumerate(actions if isinstance(actions, list) else []):
            if isinstance(action, str) and not self.declares("actions", action):
                self.wrong((*path, "actions", number), f"names {shown(action)}, which is not among the actions.")
        if self.shape.is_whole(path):
            self.scopes[name] = ScopeSpec(name=name, title=value["title"], actions=tuple(sorted(value["actions"])))

    def check_role_privileges(self) -> None:
        known = _VERBS | {
            value.get("privilege", name) for name, value, _path in self.entries("actions") if isinstance(value, dict)
        }
        for _key, value, path in self.entries("roles"):
            if self.shape.is_whole(path):
                for number, privilege in enumerate(value.get("privileges", [])):
                    if privilege not in known:
                        self.wrong((*path, "privileges", number), f"names {shown(privilege)}, which no action needs.")

    def check_one_default(self) -> None:
        found = {
            kind: [
                path
                for _key, value, path in self.entries(section)
                if isinstance(value, dict) and value.get("is_default")
            ]
            for kind, section in SECTIONS.items()
        }
        for path in (*found[PlanKind.PLAN][1:], *found[PlanKind.ADD_ON]):
            self.wrong((*path, "is_default"), "is said of one plan alone, which tenants fall to, and of no add-on.")

    def plan(self, kind: PlanKind, key: str, value: Any, path: Place) -> None:
        terms = value.get("terms") if isinstance(value, dict) else None
        found: list[Term] = []
        for feature, said in terms.items() if isinstance(terms, dict) else ():
            place = (*path, "terms", feature)
            if not self.declares("features", feature):
                self.wrong(place, f"is about {shown(feature)}, which is not among the features.")
            elif self.shape.is_whole(place) and feature in self.features:
                why = misfit(self.features[feature].kind, said) or _soft_misfit(self.features[feature], said)
                if why:
                    self.wrong(place, why)
                else:
                    found.append(_term(feature, said))
        if self.shape.is_whole(path):
            price = value.get("price")
            self.plans.append(
                PlanSpec(
                    key=key,
                    title=value["title"],
                    rank=value.get("rank", 0),
                    kind=kind,
                    price=None if price is None else Price(**price),
                    terms=tuple(found),
                    is_default=value.get("is_default", False),
                    grace_days=value.get("grace_days", GRACE_DAYS),
                    trial_days=value.get("trial_days", 0),
                )
            )


def misfit(kind: FeatureKind, said: bool | Mapping[str, Any]) -> str | None:  # noqa: FBT001 - it is the file's
    """Say why a term or override cannot be said of a feature of this kind; None where it can.

    said: ``true``, ``false``, or a mapping that its schema allows.
    """
    members = {"value"} if isinstance(said, bool) else set(said) & {"value", "limit", "unlimited", "per"}
    match kind:
        case FeatureKind.SWITCH:
            value = said if isinstance(said, bool) else said.get("value")
            if members != {"value"} or not isinstance(value, bool):
                return "is about a switch: it must be true, false, or a mapping whose value is one of them."
        case FeatureKind.LIMIT:
            if members - {"per"} not in ({"limit"}, {"unlimited"}):
                return "is about a limit: it must have either a limit or unlimited: true."
        case FeatureKind.CONFIG:
            if isinstance(said, bool) or members != {"value"}:
                return "is about a config: it must be a mapping with a value."
    return None


def _soft_misfit(feature: FeatureSpec, said: bool | Mapping[str, Any]) -> str | None:  # noqa: FBT001 - the file's
    if isinstance(said, bool):
        return None
    if ("overage" in said or "rollover" in said) and "limit" not in said:
        return "has no limit that could be soft or roll over."
    if "rollover" in said and "per" not in said:
        return "rolls over into no next period: it must say per."
    if feature.counts is not None and ({"per", "rollover"} & set(said)):
        return f"is about {feature.counts.value} as they are: it has no period."
    return None


def _term(feature: str, said: bool | Mapping[str, Any]) -> Term:  # noqa: FBT001 - it is the file's
    if isinstance(said, bool):
        return Term(feature=feature, value=said)
    return Term(
        feature=feature,
        value=said.get("value"),
        limit=said.get("limit"),
        unlimited=said.get("unlimited", False),
        reset_period=ResetPeriod(said["per"]) if "per" in said else None,
        requirement=requirement_in(said),
        overage=said.get("overage", False),
        rollover=said.get("rollover"),
    )


def _action(name: str, value: Mapping[str, Any]) -> ActionSpec:
    environments = {key: Requirement.from_json(one["requires"]) for key, one in value.get("environments", {}).items()}
    return ActionSpec(
        name=name,
        resource_type=value["resource"],
        privilege=value.get("privilege", name),
        title=value["title"],
        feature=value.get("feature"),
        environment_aware=bool(environments),
        environments=environments,
        binds=tuple(value.get("binds", [])),
        requirement=requirement_in(value),
        callers=tuple(CallerKind(one) for one in value.get("callers", [CallerKind.PERSON.value])),
        batch=_batch(value["batch"]) if "batch" in value else None,
    )


def _batch(value: Mapping[str, Any]) -> BatchSpec:
    return BatchSpec(max_items=value["max_items"], per_item=value.get("per_item", {}))
