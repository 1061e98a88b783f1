"""The sample instance that plays the main instance when none is configured."""

from __future__ import annotations

import json
import secrets as random
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tidegate.errors import ProvisioningFailed, UpgradeFailed
from tidegate.octopus.instance_configuration import ado_connection_string
from tidegate.providers.embedded import EmbeddedHost
from tidegate.providers.embedded_servers import START_TIMEOUT, module
from tidegate.providers.first_start import first_start
from tidegate.providers.leftovers import Leftovers
from tidegate.providers.processes import run_command
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.secrets import Secret
from tidegate.settings import DatabaseSettings, EmbeddedSettings, FolderSettings, MainSettings
from tidegate.settings.model import BackupFolderSettings

_DATABASE: Final = "OctopusDeploy"


@dataclass(frozen=True, slots=True)
class EmbeddedMain:
    """The sample main instance: what a settings file would say about a real one, and what the loader made."""

    settings: MainSettings
    sample: Mapping[str, Any]


#: Fills an empty instance through its API, given its address and its administrator's key.
Filler = Callable[[str, Secret], Mapping[str, Any]]


def provide_embedded_main(
    host: EmbeddedHost,
    wanted: EmbeddedSettings,
    leftovers: Leftovers,
    report: Callable[[str], None],
    *,
    filler: Filler | None = None,
) -> EmbeddedMain:
    """A running server of the wanted version, filled through its public API: with the sample, or by the ``filler``.

    It is created by the container contract, whose environment variables keep every secret off the command line.
    """
    report("starting SQL Server")
    server = host.sql_server
    report(f"installing Octopus Server {wanted.version}")
    host.install(wanted.version)
    api_key = Secret.generated("the sample administrator's API key", f"API-{random.token_hex(14).upper()}")
    master_key = Secret.generated("the sample master key", b64encode(random.token_bytes(16)).decode("ascii"))
    root = host.container_root
    connection = ado_connection_string(DatabaseAddress(server.address, _DATABASE))
    report("creating the instance")
    try:
        url = host.start_container(
            {
                **first_start(connection, master_key, host.node_name, api_key),
                "OCTOPUS_STANDIN_ROOT": str(root),
                "OCTOPUS_STANDIN_HTTP_PORT": "0",
            },
            timeout=START_TIMEOUT,
        )
    except UpgradeFailed as error:  # nothing is upgraded here: without the sample there is nothing to rehearse
        raise ProvisioningFailed(error.what, where=error.where) from None
    report("filling it through its API")
    sample = filler(url, api_key) if filler else _fill(url, api_key, wanted, root.parent / "sample.json", leftovers)
    settings = MainSettings(
        url=url,
        api_key=api_key,
        master_key=master_key,
        database=DatabaseSettings(
            server=server.address.server,
            name=_DATABASE,
            user=server.address.user,
            password=server.address.password,
            trust_server_certificate=True,
        ),
        # The container's volumes (Octopus docs, installation/octopus-server-linux-container).
        folders=FolderSettings(
            packages=root / "repository",
            artifacts=root / "artifacts",
            task_logs=root / "taskLogs",
            imports=_if_there(root / "import"),
            event_exports=_if_there(root / "eventExports"),
        ),
        backup_folder=BackupFolderSettings(on_server=server.backups.on_server, here=server.backups.here),
    )
    return EmbeddedMain(settings, sample)


def _if_there(folder: Path) -> Path | None:
    """Older versions have neither of these folders (2021.1 brought Imports, 2023.3 EventExports)."""
    return folder if folder.is_dir() else None


def _fill(url: str, api_key: Secret, wanted: EmbeddedSettings, file: Path, leftovers: Leftovers) -> Mapping[str, Any]:
    result = run_command(
        "the sample loader",
        [
            *module("standins.sample"),
            *("--url", url, "--seed", str(wanted.seed), "--size", wanted.size, "--json", str(file)),
        ],
        timeout=3600,
        leftovers=leftovers,
        environment={"OCTOPUS_API_KEY": api_key.reveal()},
    )
    if not result.ok:
        raise ProvisioningFailed(
            f"the sample instance could not be filled (exit code {result.exit_code}):\n{result.output[-2000:]}",
            where=url,
        )
    sample: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    _register_secrets(sample)
    file.unlink()
    return sample


def _register_secrets(sample: Mapping[str, Any]) -> None:
    """API keys and passwords of sample users must not reach any output either."""
    for user in sample.get("Users", []):
        for name in ("ApiKey", "Password"):
            if user.get(name):
                Secret.generated(f"a sample user's {name}", user[name])
