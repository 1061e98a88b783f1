"""What a space keeps where a lifecycle or a runbook leaves it to the default (2025.3).

There is one policy a type (OctopusClients, Model/SpaceDefaultRetentionPolicies; go-octopusdeploy, pkg/retention). Until
it is changed it keeps everything, as the default before it did.
"""

from __future__ import annotations

from typing import Final

from standins.octopus.api.crud import body_of
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.api.resources.settings import load_setting, save_setting
from standins.octopus.behaviour.documents import folded, text_of
from standins.octopus.contract import Call, Document, Reply, Route

_PREFIX: Final = "retentionpolicy"
#: Type → the units it counts in. Machines' package caches take two counts instead (MachinePackageCacheRetentionPolicy).
_UNITS: Final = {
    "LifecycleRelease": ("Days", "Items"),
    "LifecycleTentacle": ("Days", "Items"),
    "RunbookRetention": ("Days", "Items"),
    "MachinePackageCache": (),
}
_FOREVER: Final = {"Strategy": "Forever", "QuantityToKeep": 0, "Unit": "Items"}
_CACHE: Final = {
    "Strategy": "Default",
    "QuantityOfPackagesToKeep": None,
    "PackageUnit": "Items",
    "QuantityOfVersionsToKeep": None,
    "VersionUnit": "Items",
}


def _policy(call: Call, kind: str) -> Document:
    policy_id = f"{_PREFIX}-{kind}-{call.space}"
    kept = load_setting(call, policy_id)
    values = _FOREVER if _UNITS[kind] else _CACHE
    return {
        "Id": policy_id,
        "SpaceId": call.space,
        "Name": f"Default {kind} policy",
        "RetentionType": kind,
        **{name: kept.get(name, value) for name, value in values.items()},
    }


def _type_of(wanted: str) -> str | None:
    return next((kind for kind in _UNITS if kind.lower() == wanted.lower()), None)


def _from_path(call: Call) -> str:
    prefix, _, rest = call.path["id"].partition("-")
    kind = _type_of(rest.partition("-")[0])
    if prefix.lower() != _PREFIX or kind is None or rest.partition("-")[2] != call.space:
        raise not_found(call.path["id"])
    return kind


def by_type(call: Call) -> Reply:
    wanted = call.query.get("retentiontype", "")
    kind = _type_of(wanted)
    if kind is None:
        raise invalid(f"There is no retention type '{wanted}'.")
    return Reply(_policy(call, kind))


def by_id(call: Call) -> Reply:
    return Reply(_policy(call, _from_path(call)))


def change(call: Call) -> Reply:
    kind = _from_path(call)
    body = folded(body_of(call))
    named = text_of(body.get("retentiontype"))
    if named and named.lower() != kind.lower():
        raise invalid(f"This is the policy for {kind}, not for {named}.")
    policy = _policy(call, kind)
    changed = {name: body.get(name.lower(), policy[name]) for name in (_FOREVER if _UNITS[kind] else _CACHE)}
    if _UNITS[kind]:
        _check(changed, _UNITS[kind])
    save_setting(call, {"Id": policy["Id"], **changed})
    return Reply({**policy, **changed})


def _check(policy: Document, units: tuple[str, ...]) -> None:
    quantity = policy["QuantityToKeep"]
    problems: list[str] = []
    if policy["Strategy"] not in {"Count", "Forever"}:
        problems.append("The strategy must be 'Count' or 'Forever'.")
    if policy["Unit"] not in units:
        problems.append(f"The unit must be one of {', '.join(units)}.")
    if not isinstance(quantity, int) or quantity < (1 if policy["Strategy"] == "Count" else 0):
        problems.append("The quantity to keep must be 1 or more.")
    if problems:
        raise invalid(*problems)


ROUTES = (
    Route("GET", "retentionpolicies", by_type, "space", "LifecycleView", "2025.3"),
    Route("GET", "retentionpolicies/{id}", by_id, "space", "LifecycleView", "2025.3"),
    Route("PUT", "retentionpolicies/{id}", change, "space", "LifecycleEdit", "2025.3"),
)
