"""``container``: what the image's entry point does at every start (Octopus docs, Octopus Server Linux container).

create-instance, database --create --upgrade, configure, path, admin, license, run: all from environment variables.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path

from standins.octopus.command.catalogue import find
from standins.octopus.command.database import database
from standins.octopus.command.failures import CONTROLLED_FAILURE, ControlledFailure
from standins.octopus.command.instances import DEFAULT_NAME, LISTEN_PREFIXES, MASTER_KEY, InstanceConfiguration
from standins.octopus.command.invocation import Invocation
from standins.octopus.command.options import Options

#: Mount point below the root → option of ``path`` and the first version with it.
_VOLUMES = (
    ("repository", "nugetRepository", ""),
    ("artifacts", "artifacts", ""),
    ("taskLogs", "taskLogs", ""),
    ("import", "imports", "2021.1"),
    ("eventExports", "eventExports", "2023.3"),
)


def run(call: Invocation) -> int:
    if os.environ.get("ACCEPT_EULA") != "Y":
        call.output.error("You must accept the EULA (https://octopus.com/company/legal) by setting ACCEPT_EULA=Y")
        return CONTROLLED_FAILURE
    root = Path(os.environ.get("OCTOPUS_STANDIN_ROOT") or call.install_folder / "volumes").absolute()
    home = Path.home() if root == Path("/") else root / "home"  # in the image: /root or /home/octopus
    configuration = home / ".octopus" / DEFAULT_NAME / "Server" / "Server.linux.config"
    _prepare(call, configuration)
    _step(call, configuration, "database", ("create", "upgrade"))
    _step(
        call,
        configuration,
        "path",
        ("skipDatabaseCompatibilityCheck", "skipDatabaseSchemaUpgradeCheck"),
        _paths(call, root),
    )
    if name := os.environ.get("ADMIN_USERNAME"):
        _step(call, configuration, "admin", (), _administrator(name))
    _licence(call, configuration)
    if cap := os.environ.get("TASK_CAP"):
        _step(call, configuration, "node", (), {"taskCap": cap})
    return _step(call, configuration, "run", ("noninteractive", *_kept(call)))


def _prepare(call: Invocation, path: Path) -> None:
    from standins.octopus.command.instance_commands import create  # noqa: PLC0415

    options = {"config": str(path), "home": str(path.parent)}
    if node := os.environ.get("OCTOPUS_SERVER_NODE_NAME"):
        options["serverNodeName"] = node
    create(_derived(call, "create-instance", options))
    configuration = InstanceConfiguration.read(path)
    connection_string = os.environ.get("DB_CONNECTION_STRING")
    if not connection_string:
        raise ControlledFailure("The environment variable DB_CONNECTION_STRING must be set")
    configuration.values["Octopus.Storage.ExternalDatabaseConnectionString"] = connection_string
    if key := os.environ.get("MASTER_KEY"):
        configuration.values[MASTER_KEY] = key
    port = os.environ.get("OCTOPUS_STANDIN_HTTP_PORT", "8080")
    host = os.environ.get("OCTOPUS_STANDIN_HTTP_HOST", "localhost")
    configuration.values[LISTEN_PREFIXES] = f"http://{host}:{port}/"
    configuration.save()


def _paths(call: Invocation, root: Path) -> dict[str, str]:
    return {
        option: str(root / volume)
        for volume, option, since in _VOLUMES
        if not since or call.version >= type(call.version).parse(f"{since}.0")
    }


def _administrator(name: str) -> dict[str, str]:
    options = {"username": name, "email": os.environ.get("ADMIN_EMAIL") or "octopus@example.local"}
    if password := os.environ.get("ADMIN_PASSWORD"):
        options["password"] = password
    if api_key := os.environ.get("ADMIN_API_KEY"):
        options["apiKey"] = api_key
    return options


def _licence(call: Invocation, configuration: Path) -> None:
    """A free licence is made when none is given and none is stored."""
    encoded = os.environ.get("OCTOPUS_SERVER_BASE64_LICENSE")
    if encoded:
        base64.b64decode(encoded)
        _step(call, configuration, "license", ("skipLicenseCheck",), {"licenseBase64": encoded})
        return
    derived = _derived(call, "license", {"config": str(configuration)})
    from standins.octopus.schema.licence import Licence  # noqa: PLC0415

    with derived.database() as target:
        stored = Licence.stored(target)
    if stored is None:
        _step(call, configuration, "license", ("free",))


def _kept(call: Invocation) -> Sequence[str]:
    return ("console", *(("exit-with-stdin",) if call.options.has("exit-with-stdin") else ()))


def _derived(call: Invocation, name: str, values: dict[str, str], flags: Sequence[str] = ()) -> Invocation:
    options = Options({key.lower(): value for key, value in values.items()}, frozenset(flag.lower() for flag in flags))
    return Invocation(name, call.version, call.install_folder, options, call.output)


def _step(
    call: Invocation, configuration: Path, name: str, flags: Sequence[str], values: dict[str, str] | None = None
) -> int:
    """Another command of this program, in this process: its secrets never reach a command line."""
    import importlib  # noqa: PLC0415

    command = find(name, call.version)
    if command is None:
        raise ControlledFailure(f"There is no command {name}")
    module, _, function = command.target.partition(":")
    target = (
        database
        if name == "database"
        else getattr(importlib.import_module(f"standins.octopus.command.{module}"), function)
    )
    code: int = target(_derived(call, name, {"config": str(configuration), **(values or {})}, flags))
    return code
