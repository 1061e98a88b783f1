"""A data script takes a sensitive parameter of a step template for text (OctopusDeploy/Issues 2460)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.regressions.seeding import with_script
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.upgrader import Interference


class InvalidCastException(Exception):
    """Named as the exception in the issue."""


def disturb_schema(interference: Interference, version: Version) -> None:
    del version
    with_script(interference, "Script0037UpdateStepsFromTemplates.cs", _update)


def _update(context: ScriptContext) -> None:
    """No template of the sample has a sensitive parameter, so every parameter is taken for one."""
    for template, _ in context.database.documents("ActionTemplate"):
        if template.get("Parameters"):
            raise InvalidCastException(f"Unable to cast object of type 'JObject' to type 'String': {template['Id']}")
