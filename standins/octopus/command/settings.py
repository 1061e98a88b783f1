"""configure, path, node, license, show-configuration, builtin-worker, metrics."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import HOME, LISTEN_PREFIXES, MASTER_KEY, NODE_NAME, SERVICES_PORT
from standins.octopus.command.invocation import Invocation
from standins.octopus.contract import Version
from standins.octopus.schema.configuration import FOLDERS

#: Option → key of the configuration, as `show-configuration` prints it (OctopusDSC, cOctopusServer).
_KEYS: Final = {
    "home": HOME,
    "serverNodeName": NODE_NAME,
    "webListenPrefixes": LISTEN_PREFIXES,
    "webForceSSL": "Octopus.WebPortal.ForceSsl",
    "commsListenPort": SERVICES_PORT,
    "grpcListenPort": "Octopus.Communications.GrpcPort",
    "commsListenWebSocket": "Octopus.Communications.WebSocketListenPrefixes",
    "upgradeCheck": "Octopus.Upgrades.AllowChecking",
    "upgradeCheckWithStatistics": "Octopus.Upgrades.IncludeStatistics",
    "sendTelemetry": "Octopus.Upgrades.IncludeStatistics",
    "upgradeNotification": "Octopus.Upgrades.NotificationMode",
    "webCorsWhitelist": "Octopus.WebPortal.CorsWhitelist",
    "xFrameOptions": "Octopus.WebPortal.XFrameOptions",
    "hstsEnabled": "Octopus.WebPortal.HttpStrictTransportSecurityEnabled",
    "hstsMaxAge": "Octopus.WebPortal.HttpStrictTransportSecurityMaxAge",
    "webServer": "Octopus.WebPortal.WebServer",
    "trustedProxies": "Octopus.WebPortal.TrustedProxies",
    "autoLoginEnabled": "Octopus.WebPortal.AutoLoginEnabled",
    "cookieDomain": "Octopus.WebPortal.CookieDomain",
    "requestLoggingEnabled": "Octopus.WebPortal.RequestMetricLoggingEnabled",
    "customBundledPackageDirectory": "Octopus.Deployment.CustomBundledPackageDirectory",
    "cachePackages": "Octopus.Deployment.CachePackages",
    "usernamePasswordIsEnabled": "Octopus.UsernamePassword.IsEnabled",
    "guestloginenabled": "Octopus.Guest.IsEnabled",
    "serverUri": "Octopus.Server.ServerUri",
}
_BOOLEAN: Final = (
    *("webForceSSL", "upgradeCheck", "upgradeCheckWithStatistics", "sendTelemetry", "hstsEnabled"),
    *("autoLoginEnabled", "requestLoggingEnabled", "usernamePasswordIsEnabled", "guestloginenabled"),
)
_SINCE: Final = {"imports": Version(2021, 1, 0), "eventExports": Version(2023, 3, 0), "telemetry": Version(2022, 2, 0)}
_DRAIN_POLL: Final = 0.2


def configure(call: Invocation) -> int:
    for option, key in _KEYS.items():
        value = call.options.get(option)
        if value is None:
            continue
        if option in _BOOLEAN:
            value = str(call.options.switch(option))
        call.configuration.values[key] = value
        call.output.info(f"{key} set to: {value}")
    call.configuration.save()
    return 0


def path(call: Invocation) -> int:
    """All but the cache are kept in the database, so a clone has main's until this is run."""
    from standins.octopus.schema.folders import store_folder  # noqa: PLC0415 - the other commands do without

    wanted = {name: call.options.get(name) for name in FOLDERS}
    if shared := call.options.get("clusterShared"):
        for name, folder in (("nugetRepository", "Packages"), ("artifacts", "Artifacts"), ("taskLogs", "TaskLogs"),
                             ("imports", "Imports"), ("eventExports", "EventExports")):  # fmt: skip
            if call.version >= _SINCE.get(name, Version(0, 0, 0)):
                wanted[name] = wanted[name] or str(Path(shared) / folder)
    if cache := call.options.get("cacheDirectory"):
        call.configuration.values["Octopus.Folders.CacheDirectory"] = cache
        call.configuration.save()
    with call.database() as database:
        for name, value in wanted.items():
            if value is None:
                continue
            if call.version < _SINCE.get(name, Version(0, 0, 0)):
                raise ControlledFailure(f"Unrecognized command line argument: --{name}")
            folder = Path(value).absolute()
            folder.mkdir(parents=True, exist_ok=True)
            store_folder(database, name, folder)
            call.output.info(f"The path '{name}' was set to: {folder}")
    return 0


def node(call: Invocation) -> int:
    from standins.octopus.nodes import NodeRecord  # noqa: PLC0415 - needs the store

    with call.database() as database:
        record = NodeRecord(database, call.version, call.configuration.node_name)
        record.ensure()
        if cap := call.options.get("taskCap"):
            if not cap.isdigit():
                raise ControlledFailure("The task cap must be a number")
            record.set("MaxConcurrentTasks", int(cap))
            call.output.info(f"Task cap set to: {cap}")
        drain = call.options.switch("drain")
        if drain is not None:
            record.set("IsInMaintenanceMode", drain)
            call.output.info("The node is draining" if drain else "The node takes tasks again")
        if drain:
            if call.options.has("cancel-tasks") or call.options.has("cancelTasks"):
                record.cancel_tasks()
            _wait_for_tasks(call, record, int(call.options.get("wait") or 0))
    return 0


def _wait_for_tasks(call: Invocation, record: Any, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while running := record.running_tasks():
        if time.monotonic() >= deadline:
            call.output.warn(f"{running} task(s) are still running on this node")
            return
        time.sleep(_DRAIN_POLL)
    call.output.info("No tasks are running on this node")


def license_(call: Invocation) -> int:
    from standins.octopus.schema.licence import Licence, store_licence  # noqa: PLC0415

    today = datetime.now(UTC).date()
    licence = Licence.free(today) if call.options.has("free") else _given_licence(call)
    if not call.options.has("skipLicenseCheck") and (problem := licence.problem_after_upgrade(today)):
        raise ControlledFailure(f"The license cannot be used with Octopus Server {call.version}. {problem}")
    with call.database() as database:
        store_licence(database, licence)
    call.output.info("The license was imported")
    return 0


def _given_licence(call: Invocation) -> Any:
    from standins.octopus.schema.licence import Licence  # noqa: PLC0415

    try:
        if encoded := call.options.get("licenseBase64"):
            return Licence.parse(base64.b64decode(encoded, validate=True))
        if file := call.options.get("licenseFile"):
            return Licence.parse(Path(file).read_bytes())
    except (ValueError, binascii.Error, OSError) as error:
        raise ControlledFailure(f"The license could not be read: {error}") from None
    raise ControlledFailure("Please specify --licenseBase64 or --licenseFile")


def show_configuration(call: Invocation) -> int:
    values = _shown(call)
    match (call.options.get("format") or "XML").lower():
        case "xml":
            root = ET.Element("octopus-settings")
            for key in sorted(values):
                ET.SubElement(root, "set", key=key).text = values[key]
            ET.indent(root)
            text = ET.tostring(root, encoding="unicode")
        case "json":
            text = json.dumps(values, indent=2, sort_keys=True)
        case "json-hierarchical":
            text = json.dumps(_hierarchical(values), indent=2, sort_keys=True)
        case other:
            raise ControlledFailure(f"The format '{other}' is not supported. Use XML, json or json-hierarchical")
    if file := call.options.get("file"):
        Path(file).write_text(text, encoding="utf-8")
        return 0
    call.output.result(text)
    return 0


def _shown(call: Invocation) -> dict[str, str]:
    """All values are text ("True"). The master key has a command of its own; scripts read the connection string."""
    from standins.octopus.schema.folders import stored_folder  # noqa: PLC0415
    from standins.octopus.schema.licence import Licence  # noqa: PLC0415

    values = {key: value for key, value in call.configuration.values.items() if key != MASTER_KEY}
    values.setdefault("Octopus.Upgrades.AllowChecking", "True")
    values.setdefault("Octopus.Upgrades.IncludeStatistics", "True")
    with call.database(current=False) as database:
        if not database.has_table("Configuration"):
            return values
        home = call.configuration.home
        values["Octopus.Folders.LogDirectory"] = str(stored_folder(database, "taskLogs", home))
        values["Octopus.Folders.ArtifactsDirectory"] = str(stored_folder(database, "artifacts", home))
        values["Octopus.Folders.PackagesDirectory"] = str(stored_folder(database, "nugetRepository", home))
        rows = database.run(
            "SELECT [MaxConcurrentTasks] FROM dbo.[OctopusServerNode] WHERE [Name] = ?", call.configuration.node_name
        )
        values["Octopus.Server.TaskCap"] = str(rows[0][0]) if rows else "5"
        if licence := Licence.stored(database):
            values["Octopus.Server.License"] = licence.text
    return values


def _hierarchical(values: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *parents, last = key.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return tree


def builtin_worker(call: Invocation) -> int:
    """Which account the built-in worker runs as. The stand-in runs it as itself, so only the setting is kept."""
    if call.options.has("reset") or call.options.has("auto-configure"):
        call.configuration.values.pop("Octopus.BuiltInWorker.Username", None)
        call.output.info("The built-in worker runs as the account of the server")
    elif username := call.options.get("username"):
        call.configuration.values["Octopus.BuiltInWorker.Username"] = username
        call.output.info(f"The built-in worker is set to run as {username}")
    else:
        raise ControlledFailure("Please specify --auto-configure, --reset or --username")
    call.configuration.save()
    return 0


def metrics(call: Invocation) -> int:
    for option, key in (
        ("tasks", "Octopus.Tasks.RecordTaskMetrics"),
        ("webapi", "Octopus.WebPortal.RequestMetricLoggingEnabled"),
    ):
        value = call.options.switch(option)
        if value is not None:
            call.configuration.values[key] = str(value)
            call.output.info(f"{key} set to: {value}")
    call.configuration.save()
    return 0
