"""What a deployment process means for one environment, channel, tenant and set of machines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from standins.octopus.behaviour.documents import is_true, listed, mapped, text_of, texts

#: Actions that the server itself does once, whatever the step's roles are.
SERVER_ONLY = frozenset({"Octopus.Manual", "Octopus.Email", "Octopus.DeployRelease", "Octopus.HealthCheck"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is deployed to, and who takes part."""

    environment: str
    channel: str | None = None
    tenant: str | None = None
    tenant_tags: frozenset[str] = frozenset()
    specific_machines: frozenset[str] = frozenset()
    excluded_machines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedAction:
    action: Mapping[str, Any]
    number: str
    roles: tuple[str, ...]
    on_server: bool
    machines: tuple[Mapping[str, Any], ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = ()

    @property
    def id(self) -> str:
        return self.action["Id"]

    @property
    def name(self) -> str:
        return self.action["Name"]

    @property
    def lacks_machines(self) -> bool:
        """Aimed at roles that no machine here has."""
        return bool(self.roles) and not self.machines and self.action["ActionType"] not in SERVER_ONLY

    @property
    def required(self) -> bool:
        return bool(self.action.get("IsRequired"))


@dataclass(frozen=True, slots=True)
class PlannedStep:
    step: Mapping[str, Any]
    number: str
    actions: tuple[PlannedAction, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.step["Name"]


def roles_of(step: Mapping[str, Any]) -> tuple[str, ...]:
    text = text_of(mapped(step, "Properties").get("Octopus.Action.TargetRoles"))
    return tuple(role.strip() for role in text.split(",") if role.strip())


def tags_match(rules: Collection[str], tags: Collection[str]) -> bool:
    """Any tag within a set, all sets together (``fnAreTagRulesSatisfied`` of the database)."""
    by_set: dict[str, set[str]] = {}
    for rule in rules:
        by_set.setdefault(rule.split("/", 1)[0], set()).add(rule)
    return all(not wanted.isdisjoint(tags) for wanted in by_set.values())


def takes_part(machine: Mapping[str, Any], place: Place) -> bool:
    """Whether a target is in the environment and its tenancy allows the deployment."""
    if place.environment not in texts(machine, "EnvironmentIds"):
        return False
    participation = machine.get("TenantedDeploymentParticipation") or "Untenanted"
    if place.tenant is None:
        return participation != "Tenanted"
    if participation == "Untenanted":
        return False
    tenants, tags = texts(machine, "TenantIds"), texts(machine, "TenantTags")
    if place.tenant in tenants:
        return True
    return bool(tags) and tags_match(tags, place.tenant_tags)


def action_applies(action: Mapping[str, Any], place: Place) -> bool:
    if action.get("IsDisabled"):
        return False
    environments, excluded = texts(action, "Environments"), texts(action, "ExcludedEnvironments")
    if environments and place.environment not in environments:
        return False
    if place.environment in excluded:
        return False
    channels = texts(action, "Channels")
    if channels and place.channel not in channels:
        return False
    tags = texts(action, "TenantTags")
    return not tags or (place.tenant is not None and tags_match(tags, place.tenant_tags))


def plan(
    process: Mapping[str, Any], place: Place, machines: Iterable[Mapping[str, Any]], skip: Collection[str] = ()
) -> list[PlannedStep]:
    """The steps that will run, numbered as the preview numbers them: steps that do not apply take no number."""
    candidates = [machine for machine in machines if takes_part(machine, place)]
    planned: list[PlannedStep] = []
    for step in listed(process, "Steps"):
        applicable = [action for action in listed(step, "Actions") if action_applies(action, place)]
        if not applicable:
            continue
        number = str(len(planned) + 1)
        roles = roles_of(step)
        several = len(step["Actions"]) > 1
        actions = tuple(
            _planned(action, f"{number}.{position}" if several else number, roles, candidates, place)
            for position, action in enumerate(applicable, start=1)
            if action["Id"] not in skip
        )
        if actions:
            planned.append(PlannedStep(step, number, actions))
    return planned


def _planned(
    action: Mapping[str, Any],
    number: str,
    roles: tuple[str, ...],
    candidates: Sequence[Mapping[str, Any]],
    place: Place,
) -> PlannedAction:
    on_server = action["ActionType"] in SERVER_ONLY or is_true(
        mapped(action, "Properties").get("Octopus.Action.RunOnServer")
    )
    if action["ActionType"] in SERVER_ONLY or not roles:
        return PlannedAction(action, number, roles, True)
    in_role = [machine for machine in candidates if not set(texts(machine, "Roles")).isdisjoint(roles)]
    chosen = [
        machine
        for machine in in_role
        if not machine.get("IsDisabled")
        and (not place.specific_machines or machine["Id"] in place.specific_machines)
        and machine["Id"] not in place.excluded_machines
    ]
    excluded = [machine for machine in in_role if machine not in chosen]
    return PlannedAction(action, number, roles, on_server, tuple(chosen), tuple(excluded))


@dataclass(frozen=True, slots=True)
class PackageUse:
    """One package an action needs. ``reference`` is empty for the primary one."""

    action: Mapping[str, Any]
    reference: str
    package_id: str
    feed_id: str

    @property
    def resolvable(self) -> bool:
        """Ids made of variables are only known at deployment time."""
        return "#{" not in self.package_id and "#{" not in self.feed_id


def packages_of(action: Mapping[str, Any]) -> list[PackageUse]:
    """``Packages`` since 2018.8; before, and in old documents, the primary package is in the properties."""
    references = listed(action, "Packages")
    if references:
        return [
            PackageUse(action, item.get("Name") or "", item.get("PackageId") or "", text_of(item.get("FeedId")))
            for item in references
            if item.get("PackageId")
        ]
    properties = mapped(action, "Properties")
    package = text_of(properties.get("Octopus.Action.Package.PackageId"))
    feed = text_of(properties.get("Octopus.Action.Package.FeedId"))
    return [PackageUse(action, "", package, feed)] if package else []


def process_packages(process: Mapping[str, Any], channel: str | None = None) -> list[PackageUse]:
    """Every package a release must pick a version for."""
    return [
        use
        for step in listed(process, "Steps")
        for action in listed(step, "Actions")
        if not action.get("IsDisabled")
        and (not channel or not texts(action, "Channels") or channel in texts(action, "Channels"))
        for use in packages_of(action)
    ]
