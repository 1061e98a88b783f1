"""Tenants with tags, logos, connections to projects, and values for common and project templates."""

from __future__ import annotations

from collections.abc import Mapping

from standins.sample import pictures, secret_material, steps
from standins.sample.foundations import Foundations
from standins.sample.instance import Instance, Resource

NAMES = ("Alpenglow", "Bluewater", "Cedarwood", "Driftstone", "Evergreen", "Fjordland")
_RINGS = ("Alpha", "Beta", "Stable")
_REGIONS = ("Europe", "America", "Asia")


def build(
    instance: Instance, made: Foundations, projects: Mapping[str, Resource], seed: int, scale: int
) -> list[Resource]:
    names = [f"{name} {round_ + 1}" if round_ else name for round_ in range(scale) for name in NAMES]
    portal, billing = projects["Tenant portal"], projects["Tenant billing"]
    development, test = made.environment("Development"), made.environment("Test")
    tenants = instance.create_all(
        "tenants",
        (
            {
                "Name": name,
                "Description": f"Customer {name}",
                "TenantTags": [f"Ring/{_RINGS[number % 3]}", f"Region/{_REGIONS[number % 3]}"],
                "ProjectEnvironments": {
                    portal["Id"]: [development, test],
                    **({billing["Id"]: [development]} if number % 2 == 0 else {}),
                },
            }
            for number, name in enumerate(names)
        ),
    )
    numbered = list(enumerate(tenants))
    instance.each(lambda entry: _logo(instance, seed, *entry), numbered[:4])
    instance.each(lambda entry: _values(instance, made, seed, *entry), numbered)
    return tenants


def _logo(instance: Instance, seed: int, number: int, tenant: Resource) -> None:
    picture = pictures.png(seed * 1009 + number + 500)
    instance.upload("POST", f"tenants/{tenant['Id']}/logo", "logo.png", picture, media_type="image/png")


def _values(instance: Instance, made: Foundations, seed: int, number: int, tenant: Resource) -> None:
    """Fill in the whole document that the server offers.

    Common values by library set, project values by environment.
    """
    document = instance.get(f"tenants/{tenant['Id']}/variables")
    for entry in document["LibraryVariables"].values():
        for template in entry["Templates"]:
            entry["Variables"][template["Id"]] = _value(made, seed, number, tenant, template)
    for entry in document["ProjectVariables"].values():
        for environment in entry["Variables"]:
            for template in entry["Templates"]:
                value = _value(made, seed, number, tenant, template)
                if value is not None:
                    entry["Variables"][environment][template["Id"]] = value
    instance.put(f"tenants/{tenant['Id']}/variables", document)


def _value(made: Foundations, seed: int, number: int, tenant: Resource, template: Resource) -> object:
    name = template["Name"]
    if template.get("DisplaySettings", {}).get("Octopus.ControlType") == "Sensitive":
        key = f"tenant:{tenant['Name']}:{name}"
        made.secrets[key] = secret_material.secret(seed, key)
        return {"HasValue": True, "NewValue": made.secrets[key]}
    if name == "Tenant.Region":
        return _REGIONS[number % 3]
    return f"{name.split('.')[-1].lower()}-{steps.stable_id(tenant['Name'], name)[:8]}"
