"""create-instance, delete-instance, list-instances, version."""

from __future__ import annotations

import json
from pathlib import Path

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import (
    DEFAULT_NAME,
    HOME,
    NODE_NAME,
    InstanceConfiguration,
    register,
    registered_instances,
    registry_folder,
    unregister,
)
from standins.octopus.command.invocation import Invocation


def create(call: Invocation) -> int:
    name = call.options.get("instance") or DEFAULT_NAME
    home = call.options.get("home")
    path = Path(call.options.get("config") or (Path(home) if home else registry_folder()) / f"{name}.config").absolute()
    if path.exists():
        configuration = InstanceConfiguration.read(path)
    else:
        call.output.info(f"Creating empty configuration file: {path}")
        configuration = InstanceConfiguration(path)
    configuration.values[HOME] = str(Path(home).absolute() if home else path.parent)
    if node := call.options.get("serverNodeName"):
        configuration.values[NODE_NAME] = node
    configuration.save()
    call.output.info(f"Saving instance: {name}")
    register(name, path)
    call.output.info(f"Setting home directory to: {configuration.values[HOME]}")
    return 0


def delete(call: Invocation) -> int:
    name = call.options.get("instance") or DEFAULT_NAME
    if not unregister(name):
        raise ControlledFailure(f"Instance {name} has not been configured on this machine")
    call.output.info(f"Deleted instance: {name}")
    return 0


def list_(call: Invocation) -> int:
    instances = list(registered_instances())
    if (call.options.get("format") or "text").lower() == "json":
        listed = [{"InstanceName": name, "ConfigurationFilePath": str(path)} for name, path in instances]
        call.output.result(json.dumps(listed, indent=2))
        return 0
    for name, path in instances:
        call.output.result(f"Instance '{name}' uses configuration '{path}'.")
    return 0


def version(call: Invocation) -> int:
    """The shape of the JSON form is not published."""
    text = str(call.version)
    as_json = (call.options.get("format") or "text").lower() == "json"
    call.output.result(json.dumps({"Version": text}) if as_json else text)
    return 0
