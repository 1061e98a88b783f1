"""The server's settings: one document each in the Configuration table, read and replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from standins.octopus.api.calls import api_call
from standins.octopus.api.crud import body_of
from standins.octopus.api.errors import not_found
from standins.octopus.api.rendering import slice_page
from standins.octopus.api.shapes import shapes_for
from standins.octopus.behaviour import events
from standins.octopus.contract import ApiError, Call, Document, Reply, Route


@dataclass(frozen=True, slots=True)
class Setting:
    """A path, the document behind it, and who may read and change it ("" any signed-in user)."""

    path: str
    document: str
    shape: str
    view: str
    edit: str
    since: str = ""
    until: str = ""


_SETTINGS = (
    Setting(
        "maintenanceconfiguration", "maintenance", "MaintenanceConfiguration", "AdministerSystem", "AdministerSystem"
    ),
    Setting("featuresconfiguration", "features", "FeaturesConfiguration", "", "ConfigureServer"),
    Setting("smtpconfiguration", "smtp", "SmtpConfiguration", "ConfigureServer", "ConfigureServer"),
    # Reading is open to all, changing is for administrators (OctopusDeploy/Issues 3276).
    Setting("upgradeconfiguration", "upgrade", "UpgradeConfiguration", "", "AdministerSystem"),
    Setting("performanceconfiguration", "performance", "PerformanceConfiguration", "", "AdministerSystem", "2018.10"),
    Setting("serverconfiguration", "server", "ServerConfiguration", "", "AdministerSystem"),
    Setting(
        "letsencryptconfiguration", "letsencrypt", "LetsEncryptConfiguration", "ConfigureServer", "ConfigureServer"
    ),
    Setting(
        "repository/configuration",
        "repository",
        "BuiltInRepositoryConfiguration",
        "BuiltInFeedAdminister",
        "BuiltInFeedAdminister",
        "",
        "2019.1",
    ),
)


def load_setting(call: Call, id: str) -> Document:
    """The stored document; one that was never saved is all defaults."""
    return call.transaction.load("Configuration", id) or {"Id": id}


def save_setting(call: Call, document: Document) -> None:
    if call.transaction.load("Configuration", document["Id"]) is None:
        call.transaction.insert("Configuration", document)
    else:
        call.transaction.update("Configuration", document)


def _show(call: Call, setting: Setting, document: Document) -> Reply:
    shown = shapes_for(call.server.version)[setting.shape].render({**document, "Id": setting.document})
    return Reply({**shown, "Links": {"Self": f"/api/{setting.path}"}})


def get_setting(setting: Setting, call: Call) -> Reply:
    return _show(call, setting, load_setting(call, setting.document))


def put_setting(setting: Setting, call: Call) -> Reply:
    before = load_setting(call, setting.document)
    document = shapes_for(call.server.version)[setting.shape].accept(
        body_of(call), before, call.server.master_key.encrypt
    )
    document["Id"] = setting.document
    save_setting(call, document)
    events.modified(call, setting.shape, {**document, "Name": setting.document}, before)
    return _show(call, setting, document)


def smtp_is_configured(call: Call) -> Reply:
    return Reply({"IsConfigured": bool(load_setting(call, "smtp").get("SmtpHost"))})


# -- configuration sections ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    name: str
    description: str


#: The ids that clients use by name (OctopusClients, the published upgrade script).
_SECTIONS = (
    Section("authentication", "Authentication", "Settings that all authentication providers share"),
    Section("server-folders", "Server folders", "The folders that Octopus Server keeps its files in"),
    Section("web-portal", "Web Portal", "Settings of the web portal's HTTP responses"),
)


def _section(call: Call) -> Section:
    found = next((section for section in _SECTIONS if section.id == call.path["id"].lower()), None)
    if found is None:
        raise not_found(call.path["id"])
    return found


def _describe(section: Section) -> Document:
    link = f"/api/configuration/{section.id}"
    return {
        "Id": section.id,
        "Name": section.name,
        "Description": section.description,
        "Links": {"Self": link, "Values": f"{link}/values", "Metadata": f"{link}/metadata"},
    }


def list_sections(call: Call) -> Reply:
    return Reply(slice_page(call, "ConfigurationSectionMetadata", [_describe(section) for section in _SECTIONS]))


def get_section(call: Call) -> Reply:
    return Reply(_describe(_section(call)))


def _folders(call: Call) -> Document:
    """``LogsDirectory`` is the folder of the task logs: the published upgrade script copies it as such."""
    folders = call.server.folders
    values: Document = {
        "Id": "server-folders",
        "LogsDirectory": str(folders.task_logs),
        "ArtifactsDirectory": str(folders.artifacts),
        "PackagesDirectory": str(folders.packages),
    }
    if folders.imports is not None and call.server.at_least("2021.1"):
        values["ImportsDirectory"] = str(folders.imports)
    if folders.event_exports is not None and call.server.at_least("2022.3"):
        values["EventExportsDirectory"] = str(folders.event_exports)
    return values


_DEFAULTS: dict[str, Document] = {
    "authentication": {"IsAutoLoginEnabled": False},
    "web-portal": {
        "Security": {
            "CorsWhitelist": "",
            "ReferrerPolicy": "no-referrer",
            "ContentSecurityPolicyEnabled": True,
            "HttpStrictTransportSecurityEnabled": False,
            "HttpStrictTransportSecurityMaxAge": 3600,
            "XOptions": {"XFrameOptionAllowFrom": "", "XFrameOptions": ""},
        }
    },
}


def section_values(call: Call) -> Reply:
    section = _section(call)
    values = (
        _folders(call)
        if section.id == "server-folders"
        else {**_DEFAULTS[section.id], **load_setting(call, section.id)}
    )
    return Reply({**values, "Links": {"Self": f"/api/configuration/{section.id}/values"}})


def put_section_values(call: Call) -> Reply:
    section = _section(call)
    if section.id == "server-folders":
        # Moving the folders takes the command line: files do not follow a running server.
        raise ApiError(400, "Server folders cannot be changed while the server is running. Use Octopus.Server path.")
    document = {name: value for name, value in body_of(call).items() if name.lower() not in ("links", "id")}
    before = load_setting(call, section.id)
    save_setting(call, {**before, **document, "Id": section.id})
    events.modified(call, "Configuration", {**document, "Id": section.id, "Name": section.name}, before)
    return section_values(call)


def section_metadata(call: Call) -> Reply:
    """The types behind the values, as the portal draws its forms from them."""
    section = _section(call)
    values = _folders(call) if section.id == "server-folders" else _DEFAULTS[section.id]
    types: dict[type[object], str] = {bool: "boolean", int: "int", str: "string"}
    properties = [
        {
            "Name": name,
            "Type": next((name for kind, name in types.items() if isinstance(value, kind)), "object"),
            "DisplayInfo": {"Label": name, "ReadOnly": section.id == "server-folders"},
        }
        for name, value in values.items()
        if name != "Id"
    ]
    return Reply({"Types": [{"Name": section.name, "Properties": properties}], "Description": section.description})


def all_server_settings(call: Call) -> Reply:
    """What ``Octopus.Server show-configuration`` prints, without secrets."""
    folders = _folders(call)
    sets = {
        "Octopus.Folders": {name: value for name, value in folders.items() if name != "Id"},
        "Octopus.Server": {"Octopus.Server.NodeName": call.server.node_name},
    }
    return Reply(
        [
            {
                "ConfigurationSet": name,
                "ConfigurationValues": [
                    {"Key": key, "Value": value, "Description": key} for key, value in values.items()
                ],
            }
            for name, values in sets.items()
        ]
    )


def forget_all(call: Call) -> Reply:
    """Drops what the server keeps in memory."""
    api_call(call).gate.forget()
    return Reply({})


ROUTES = (
    *(
        route
        for setting in _SETTINGS
        for route in (
            Route(
                "GET",
                setting.path,
                partial(get_setting, setting),
                "system",
                setting.view,
                setting.since,
                setting.until,
                f"get{setting.shape}",
            ),
            Route(
                "PUT",
                setting.path,
                partial(put_setting, setting),
                "system",
                setting.edit,
                setting.since,
                setting.until,
                f"update{setting.shape}",
            ),
        )
    ),
    Route(
        "PUT", "maintenanceconfiguration/v1", partial(put_setting, _SETTINGS[0]), "system", "AdministerSystem", "2025.1"
    ),
    Route("GET", "smtpconfiguration/isconfigured", smtp_is_configured, "system", "", "2019.1"),
    Route("GET", "configuration", list_sections, "system", "", operation="indexConfigurationSections"),
    Route("GET", "configuration/{id}", get_section, "system", "", operation="getConfigurationSection"),
    Route("GET", "configuration/{id}/values", section_values, "system", "", operation="getConfigurationValues"),
    Route(
        "PUT",
        "configuration/{id}/values",
        put_section_values,
        "system",
        "ConfigureServer",
        operation="updateConfigurationValues",
    ),
    Route("GET", "configuration/{id}/metadata", section_metadata, "system", "", operation="getConfigurationMetadata"),
    Route(
        "GET",
        "serverconfiguration/settings",
        all_server_settings,
        "system",
        "AdministerSystem",
        operation="listServerConfigurationSettings",
    ),
    Route("POST", "serverstatus/gc-collect", forget_all, "system", "AdministerSystem"),
)
