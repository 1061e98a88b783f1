"""A host whose first process is systemd, in a container that shares this machine's network and one folder with it."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.containers.conftest import SETTINGS
from tests.journeys.runs import REPOSITORY
from tests.support.ports import free_port
from tests.support.sshd import Sshd, keygen
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.ownership import Owner
from tidegate.providers.containers.reaper import remove_run
from tidegate.waiting import wait_until


@dataclass(frozen=True, slots=True)
class SystemdHost:
    """``sshd`` is how it is reached: its own OpenSSH server, a unit like the others."""

    container: Any
    sshd: Sshd

    def run(self, script: str) -> str:
        """What a script of `sh` prints, as root and not over SSH; it has to end well."""
        code, output = self.container.exec_run(["sh", "-ec", script])
        assert code == 0, output.decode()
        return output.decode().strip()

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit."""
        printed = self.run(f"systemctl show -p {','.join(properties)} -- {shlex.quote(unit)}")
        return dict(line.split("=", 1) for line in printed.splitlines())


@contextmanager
def running_systemd_host(engine: Engine, folder: Path) -> Generator[SystemdHost]:
    """``folder`` is there under the same name, as on a machine that shares it."""
    owner = Owner.of(f"systemd-{abs(hash(folder)):x}", timedelta(hours=1))
    client: Any = engine.client
    sshd = _prepare(folder)
    try:
        container = client.containers.run(
            SETTINGS.gateway_image,
            ["sh", "-ec", _before_systemd(sshd)],
            name=owner.name("host"),
            labels=owner.labels("host"),
            detach=True,
            network_mode="host",
            cgroupns="host",
            environment={"container": "docker"},
            tmpfs={"/run": "", "/run/lock": ""},
            volumes={
                "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"},
                str(folder): {"bind": str(folder), "mode": "rw"},
                str(REPOSITORY / "standins"): {"bind": str(REPOSITORY / "standins"), "mode": "ro"},
            },
        )
        wait_until(lambda: _answers(container, sshd), timeout=60, what="sshd to answer", poll=0.1)
        yield SystemdHost(container, sshd)
    finally:
        remove_run(client, owner.run)


def _prepare(folder: Path) -> Sshd:
    """Keys, and the configuration of a server on a free port of the loopback interface."""
    sshd = Sshd(folder, free_port())
    for name in ("host", "user"):
        keygen(folder / name)
    public = (folder / "host.pub").read_text(encoding="ascii").split()
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public[0]} {public[1]}\n", encoding="ascii")
    (folder / "sshd_config").write_text(
        f"Port {sshd.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile /etc/ssh/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nSetEnv OCTOPUS_STANDIN_SYSTEMD=1\n",
        encoding="ascii",
    )
    return sshd


def _before_systemd(sshd: Sshd) -> str:
    """What has to be there before the first unit starts. The installers' launchers name the Python of this machine."""
    return f"""
ln -sf /dev/null /etc/tmpfiles.d/tmp.conf  # it would empty /tmp, and with it folders of this machine
cp {shlex.quote(str(sshd.folder / "sshd_config"))} /etc/ssh/sshd_config
install -m 644 {shlex.quote(str(sshd.folder / "user.pub"))} /etc/ssh/authorized_keys
mkdir -p {shlex.quote(str(Path(sys.executable).parent))}
[ -e {shlex.quote(sys.executable)} ] || ln -s /usr/bin/python3 {shlex.quote(sys.executable)}
exec /sbin/init
"""


def _answers(container: Any, sshd: Sshd) -> bool:
    container.reload()
    if container.status != "running":
        raise AssertionError(f"systemd ended: {container.logs().decode()[-2000:]}")
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", sshd.port)) == 0
