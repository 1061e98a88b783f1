"""A main instance that is an installed service of the host that tests reach over SSH."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.new_instance import create_instance
from tests.support.ports import free_port
from tests.support.sshd import Sshd
from tests.support.standing import LIVING, ORIGIN, Standing, approved_installers, approver_key, upgrade_settings
from tidegate.providers.contract import SqlServerHost
from tidegate.providers.embedded_servers import EmbeddedFeed
from tidegate.providers.hosts.host import HostPlace, ServerHost
from tidegate.providers.hosts.installer import Installer
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.reach import Reach
from tidegate.providers.leftovers import Leftovers
from tidegate.rehearsal.instances import DatabaseAddress, ServerFolders
from tidegate.rehearsal.main import describe_main
from tidegate.secrets import Secret
from tidegate.settings import MainOnHostSettings, load
from tidegate.sqlserver.connection import SqlServer, quoted
from tidegate.sqlserver.image import DatabaseImage, image_differences

API_KEY: Final = "API-MAINMAINMAINMAINMAINMAIN"
DATABASE: Final = "OctopusOnHost"
#: Commands of a killed attempt are known by the instance's name: those of another run of these tests are none.
INSTANCE: Final = f"tidegate-test-{os.getpid()}"


@contextmanager
def installed_main(sshd: Sshd, loopback: Reach, sql_server: SqlServerHost, folder: Path) -> Generator[Standing]:
    """A main instance that runs as a service on the host, everything of it below ``folder``."""
    root = folder / "octopus"
    folders = ServerFolders(*(root / name for name in ("Packages", "Artifacts", "TaskLogs")))
    database = DatabaseAddress(sql_server.address, DATABASE)
    master_key = Secret.generated("the main instance's master key", b64encode(bytes(range(16))).decode())
    url = free_address()
    feed = EmbeddedFeed(folder / "instances-feed", Leftovers(folder / "run"))
    installer = Installer(loopback, Linux(), lambda: feed.feed, str(folder / "installers"), folder / "downloads")
    place = HostPlace(str(root), folders, folders, url, "MAIN", INSTANCE, service=True)
    host = ServerHost(loopback, Linux(), place, sql_server, installer)
    try:
        host.install(ORIGIN)
        host.configure(database, master_key)
        create_instance(host, API_KEY, ORIGIN)
        for one in folders.named().values():
            one.mkdir(parents=True, exist_ok=True)
            (one / "something.txt").write_text(one.name, encoding="ascii")
        host.start()
        key = approver_key()
        secrets = {"api-key": API_KEY, "master-key": master_key.reveal(), "sql": database.server.password.reveal()}
        for name, value in secrets.items():
            (folder / name).write_text(value, encoding="ascii")
        settings = folder / "settings.toml"
        settings.write_text(
            f"""
[main]
url = "{url}"
api_key = "file:{folder / "api-key"}"
master_key = "file:{folder / "master-key"}"
[main.database]
server = "{database.server.server}"
name = "{DATABASE}"
user = "{database.server.user}"
password = "file:{folder / "sql"}"
trust_server_certificate = true
[main.folders]
packages = "{folders.packages}"
artifacts = "{folders.artifacts}"
task_logs = "{folders.task_logs}"
[main.backup_folder]
on_server = "{sql_server.backups.on_server}"
[main.host]
provider = "host"
address = "127.0.0.1"
port = {sshd.port}
identity_file = "{sshd.identity}"
known_hosts = "{sshd.known_hosts}"
instance = "{INSTANCE}"
install_folder = "{root / "install"}"
home = "{root / "home"}"
work_folder = "{folder / "work"}"
[feed]
url = "{feed.feed.url}"
[reports]
folder = "{folder / "reports"}"
pdf = false
{upgrade_settings(key)}
""",
            encoding="utf-8",
        )
        main = load(settings).main
        assert main is not None
        yield Standing(folder, settings, describe_main(main), key, approved_installers(folder))
    finally:
        host.remove()
        feed.stop()
        with SqlServer(sql_server.address) as server:
            server.execute(f"DROP DATABASE {quoted(DATABASE)}")  # an organisation's own: Tidegate would refuse


def free_address() -> str:
    return f"http://127.0.0.1:{free_port()}"


def machine_of(standing: Standing, **changes: object) -> MainOnHostSettings:
    main = load(standing.settings).main
    assert main is not None
    assert isinstance(main.host, MainOnHostSettings)
    return main.host.model_copy(update=changes)


def assert_back(standing: Standing, before: DatabaseImage) -> None:
    assert (standing.version(), standing.closed()) == (ORIGIN, False)
    assert [one for one in image_differences(before, standing.image()) if not one.startswith(LIVING)] == []
    for name, folder in standing.main.folders.named().items():
        assert (folder / "something.txt").read_text(encoding="ascii") == folder.name, name
