"""The library: variables and their sets, script modules, templates of what tenants are asked, step templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from standins.sample import secret_material, steps
from standins.sample.instance import Instance, Resource, by_name

if TYPE_CHECKING:
    from standins.sample.foundations import Foundations


def variable(
    owner: str, name: str, value: str | None, *, scope: Mapping[str, Sequence[str]] | None = None, **more: Any
) -> Resource:
    """``more``: Type, Prompt, IsSensitive, Description. The id is that of the name and scope, whatever the server."""
    where = ",".join(f"{key}={'|'.join(ids)}" for key, ids in sorted((scope or {}).items()))
    return {
        "Id": steps.stable_id(owner, "variable", name, where),
        "Name": name,
        "Value": value,
        "Description": None,
        "Type": "String",
        "IsSensitive": False,
        "IsEditable": True,
        "Scope": {key: list(ids) for key, ids in (scope or {}).items()},
        **more,
    }


def secret_variable(made: Foundations, seed: int, owner: str, name: str, suffix: str = "", **more: Any) -> Resource:
    key = f"variable:{owner}:{name}{suffix}"
    made.secrets[key] = secret_material.secret(seed, key)
    return variable(owner, name, made.secrets[key], Type="Sensitive", IsSensitive=True, **more)


def save_variables(instance: Instance, set_id: str, owner_id: str, variables: Sequence[Resource]) -> Resource:
    return instance.put(
        f"variables/{set_id}",
        {"Id": set_id, "OwnerId": owner_id, "Version": 0, "Variables": list(variables), "Links": {}},
    )


def sets(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del scale
    common = instance.post(
        "libraryvariablesets",
        {
            "Name": "Acme defaults",
            "Description": "Shared by most projects",
            "ContentType": "Variables",
            "Templates": [
                template("Acme defaults", "Tenant.Alias", "Short name of the tenant", "none"),
                template("Acme defaults", "Tenant.LicenseKey", "Key the tenant bought", None, sensitive=True),
            ],
        },
    )
    production = {"Environment": [made.environment("Production")]}
    save_variables(
        instance,
        common["VariableSetId"],
        common["Id"],
        [
            variable("Acme defaults", "Company", "Acme Corporation"),
            variable("Acme defaults", "LogLevel", "Debug"),
            variable("Acme defaults", "LogLevel", "Warning", scope=production),
            secret_variable(made, seed, "Acme defaults", "Smtp.Password"),
        ],
    )
    notifications = instance.post(
        "libraryvariablesets",
        {"Name": "Notifications", "Description": "Where messages go", "ContentType": "Variables", "Templates": []},
    )
    save_variables(
        instance,
        notifications["VariableSetId"],
        notifications["Id"],
        [
            variable("Notifications", "Notify.Channel", "#releases"),
            variable("Notifications", "Notify.Channel", "#production", scope=production),
            variable("Notifications", "Notify.Channel", "#web", scope={"Role": ["web-server"]}),
        ],
    )
    module = instance.post(
        "libraryvariablesets",
        {
            "Name": "Acme helpers",
            "Description": "Functions for scripts",
            "ContentType": "ScriptModule",
            "Templates": [],
        },
    )
    save_variables(
        instance,
        module["VariableSetId"],
        module["Id"],
        [
            variable(
                "Acme helpers", "Octopus.Script.Module[Acme helpers]", 'acme_banner() { echo "*** Acme: $1 ***"; }'
            ),
            variable("Acme helpers", "Octopus.Script.Module.Language[Acme helpers]", "Bash"),
        ],
    )
    made.library.update({"Acme defaults": common, "Notifications": notifications, "Acme helpers": module})


def template(owner: str, name: str, label: str, default: str | None, *, sensitive: bool = False) -> Resource:
    return {
        "Id": steps.stable_id(owner, "template", name),
        "Name": name,
        "Label": label,
        "HelpText": f"{label}, asked of every tenant",
        "DefaultValue": default,
        "DisplaySettings": {"Octopus.ControlType": "Sensitive" if sensitive else "SingleLineText"},
    }


def step_templates(instance: Instance, made: Foundations, seed: int, scale: int) -> None:
    del seed, scale
    made.templates.update(
        by_name(
            instance.create_all(
                "actiontemplates",
                (
                    {
                        "Name": "Acme - Check a web page",
                        "Description": "Says which page would be checked",
                        "ActionType": "Octopus.Script",
                        "Packages": [],
                        "Properties": {
                            "Octopus.Action.Script.ScriptSource": "Inline",
                            "Octopus.Action.Script.Syntax": "Bash",
                            "Octopus.Action.Script.ScriptBody": 'echo "Checking $(get_octopusvariable CheckUrl)"',
                        },
                        "Parameters": [
                            {
                                "Id": steps.stable_id("Acme - Check a web page", "parameter", "CheckUrl"),
                                "Name": "CheckUrl",
                                "Label": "Address",
                                "HelpText": "The page to ask for",
                                "DefaultValue": "https://www.acme.test/",
                                "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
                            }
                        ],
                    },
                    {
                        "Name": "Acme - Post a message",
                        "Description": "Tells the team",
                        "ActionType": "Octopus.Script",
                        "Packages": [],
                        "Properties": {
                            "Octopus.Action.Script.ScriptSource": "Inline",
                            "Octopus.Action.Script.Syntax": "PowerShell",
                            "Octopus.Action.Script.ScriptBody": "Write-Host $OctopusParameters['Message']",
                        },
                        "Parameters": [
                            {
                                "Id": steps.stable_id("Acme - Post a message", "parameter", "Message"),
                                "Name": "Message",
                                "Label": "Text",
                                "HelpText": "",
                                "DefaultValue": "",
                                "DisplaySettings": {"Octopus.ControlType": "MultiLineText"},
                            }
                        ],
                    },
                ),
            )
        )
    )
