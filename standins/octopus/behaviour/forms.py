"""The form of a deployment or runbook run: prompted variables as controls, and what a person typed.

OctopusClients Form models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from standins.octopus.behaviour.documents import is_true, mapped, text_of
from standins.octopus.behaviour.variables import Scope, Value, prompts


def form_of(values: Sequence[Value], scope: Scope) -> dict[str, Any]:
    asked = prompts(values, scope)
    return {
        "Values": {value.id: None if value.sensitive else value.value or "" for value in asked},
        "Elements": [
            {
                "Name": value.id,
                "Control": _control(value),
                "IsValueRequired": is_true(mapped({"p": value.prompt}, "p").get("Required")),
            }
            for value in asked
        ],
    }


def _control(value: Value) -> dict[str, Any]:
    prompt = mapped({"p": value.prompt}, "p")
    settings = mapped(prompt, "DisplaySettings")
    return {
        "Type": "VariableValue",
        "Name": value.name,
        "Label": text_of(prompt.get("Label")) or value.name,
        "Description": text_of(prompt.get("Description")),
        "IsSecure": value.sensitive,
        "DisplaySettings": settings or {"Octopus.ControlType": "Sensitive" if value.sensitive else "SingleLineText"},
    }


def missing(values: Sequence[Value], scope: Scope, given: Mapping[str, Any]) -> list[str]:
    """Required prompts that nobody answered and that have no stored value to fall back on."""
    return [
        text_of(mapped({"p": value.prompt}, "p").get("Label")) or value.name
        for value in prompts(values, scope)
        if is_true(mapped({"p": value.prompt}, "p").get("Required")) and not given.get(value.id) and not value.value
    ]
