"""An OpenSSH server of the user's own on a free port of the loopback interface, with what a client needs to get in."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tidegate.waiting import wait_until

_SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
_TOOLS = _SSHD and shutil.which("ssh") and shutil.which("sftp") and shutil.which("ssh-keygen")

needs_sshd = pytest.mark.skipif(not _TOOLS, reason="OpenSSH's server or client is not installed (openssh-server)")


@dataclass(frozen=True, slots=True)
class Sshd:
    """``config`` is a client's configuration that knows the host as `loopback`, and as `stranger` without its key."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def identity(self) -> Path:
        return self.folder / "user"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known"

    @property
    def home(self) -> Path:
        """Empty: Bash reads the user's own ~/.bashrc for each command, which may take longer than the command."""
        return self.folder / "home"

    @property
    def registry(self) -> Path:
        """Where Octopus Servers that are installed over this connection keep their list of instances."""
        return self.folder / "registry"


@contextmanager
def running_sshd(folder: Path) -> Generator[Sshd]:
    """Its server ends with the block."""
    sshd = Sshd(folder, free_port())
    sshd.home.mkdir()
    for name in ("host", "user"):
        keygen(folder / name)
    (folder / "authorized").write_text((folder / "user.pub").read_text(encoding="ascii"), encoding="ascii")
    (folder / "sshd_config").write_text(
        f"Port {sshd.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile none\nUsePAM no\n"
        f"StrictModes no\nAuthorizedKeysFile {folder / 'authorized'}\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
        f"SetEnv OCTOPUS_SERVER_CONFIGURATION_DIRECTORY={sshd.registry} HOME={sshd.home}\n",
        encoding="ascii",
    )
    public = (folder / "host.pub").read_text(encoding="ascii").split()
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public[0]} {public[1]}\n", encoding="ascii")
    hosts = {"loopback": str(sshd.known_hosts), "stranger": "/dev/null"}
    sshd.config.write_text(
        "".join(
            f"Host {name}\n HostName 127.0.0.1\n Port {sshd.port}\n User {getpass.getuser()}\n IdentitiesOnly yes\n"
            f" IdentityFile {sshd.identity}\n UserKnownHostsFile {known}\n GlobalKnownHostsFile /dev/null\n"
            for name, known in hosts.items()
        ),
        encoding="ascii",
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where a server of root separates its privileges
    assert _SSHD is not None
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([_SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        wait_until(lambda: _answers(sshd.port) or _ended(server, folder / "log"), timeout=20, what="sshd to listen")
        yield sshd
    finally:
        server.terminate()
        server.wait()


def keygen(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _ended(server: subprocess.Popen[bytes], log: Path) -> bool:
    if server.poll() is not None:
        pytest.fail(f"sshd ended: {log.read_text(encoding='utf-8', errors='replace')}")
    return False
