"""A Linux host: GNU userland and `sh`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final, final

from tidegate.errors import HarnessError
from tidegate.providers.hosts.quoting import posix_command

#: The processes for which each regular expression (a line of standard input) matches one of their arguments in full.
#: What is looked for comes by standard input, so that this never finds itself.
_OURS: Final = r"""
patterns=$(cat)
ours() {
  files=$(echo /proc/[0-9]*/cmdline)
  while read -r one; do
    files=$(printf '%s\n' "$one" | grep -lzxE -f - $files /dev/null 2>/dev/null)
  done <<END
$patterns
END
  printf '%s\n' "$files" | cut -d/ -f3
}
"""

#: Asked first, killed after half a minute.
_END: Final = r"""
found=$(ours)
[ -z "$found" ] && exit 0
kill -TERM $found 2>/dev/null
turn=0
while [ $turn -lt 200 ]; do
  found=$(ours)
  [ -z "$found" ] && exit 0
  [ $turn -ge 150 ] && kill -KILL $found 2>/dev/null
  sleep 0.2
  turn=$((turn + 1))
done
echo "these processes do not end:" $found
exit 1
"""

#: One `name=value` a line. An address's line in fib_trie stands before the one that calls it local (Linux, proc(5)).
_FACTS: Final = r"""
echo "system=$(uname -s)"
echo "machine=$(uname -n)"
echo "boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
for one in tar gzip sha256sum setsid nohup flock grep find awk df mktemp; do
  command -v "$one" >/dev/null || echo "missing=$one"
done
awk '/32 host LOCAL/ { print "address=" last } { last = $2 }' /proc/net/fib_trie 2>/dev/null
awk '{ print "address6=" $1 }' /proc/net/if_inet6 2>/dev/null
there=$1
while [ ! -d "$there" ]; do there=$(dirname "$there"); done
df -Pk "$there" | awk 'NR == 2 { printf "free=%.0f\n", $4 * 1024 }'
if probe=$(mktemp -d "$there/.tidegate-XXXXXX" 2>/dev/null); then rmdir "$probe"; else echo "closed=$there"; fi
exit 0
"""

#: The unit of this name and those whose text has a line that the expression on standard input matches. The folders are
#: those of systemd.unit(5) that packages and administrators write to; /run/systemd/system is there where systemd is the
#: first process, sd_booted(3).
_UNITS: Final = r"""
[ -d /run/systemd/system ] || exit 0
pattern=$(cat)
{ printf '%s\n' "$1"
  cd / && grep -lsE -- "$pattern" etc/systemd/system/*.service run/systemd/system/*.service \
    usr/local/lib/systemd/system/*.service usr/lib/systemd/system/*.service lib/systemd/system/*.service |
    sed 's,.*/,,'
} | sort -u | while read -r unit; do
  systemctl show --property Id,LoadState,ActiveState,SubState,NRestarts,Result,ExecMainStatus -- "$unit" \
    </dev/null || exit 1
  echo
done
"""


@final
class Linux:
    """The installer is the archive; unpacking it is the installation."""

    name = "linux"
    package = "tar.gz"
    installed_well = frozenset({0})
    has_watchdog = False

    def path(self, *parts: str) -> str:
        return str(PurePosixPath(*parts))

    def transfer_path(self, path: str) -> str:
        return path

    def command(self, arguments: Sequence[str]) -> str:
        return posix_command(arguments)

    def executable(self, install_folder: str) -> str:
        return self.path(install_folder, "Octopus.Server")

    def install(self, installer: str, install_folder: str, log: str) -> str:
        """Unpacked beside the installation and swapped: what breaks off leaves the old version in place. Two at once,
        because one was cut off from here and goes on there, wait for each other."""
        fresh = f"{install_folder}.new"
        steps = (
            ["rm", "-rf", "--", fresh],
            ["mkdir", "-p", "--", fresh],
            ["tar", "--no-same-owner", "-xzf", installer, "-C", fresh],
            ["rm", "-rf", "--", install_folder],
            ["mv", "-T", "--", fresh, install_folder],
        )
        joined = " && ".join(posix_command(step) for step in steps)
        around = str(PurePosixPath(install_folder).parent)
        made = posix_command(["mkdir", "-p", "--", around])
        alone = posix_command(["flock", "-w", "900", around, "sh", "-c", joined])
        return f"{{ {made} && {alone} ; }} > {posix_command([log])} 2>&1"

    def make_folders(self, folders: Sequence[str]) -> str:
        return f"umask 077 && {posix_command(['mkdir', '-p', '--', *folders])}"

    def remove(self, folder: str) -> str:
        return posix_command(["rm", "-rf", "--", folder])

    def entries(self, folder: str) -> str:
        quoted = posix_command([folder])
        return f"[ ! -d {quoted} ] || ls -1A {quoted}"

    def text(self, file: str) -> str:
        quoted = posix_command([file])
        return f"[ ! -f {quoted} ] || cat {quoted}"

    def last_lines(self, file: str, count: int) -> str:
        return posix_command(["tail", "-n", str(count), file])

    def exists(self, file: str) -> str:
        return posix_command(["test", "-e", file])

    def checksum(self, file: str) -> str:
        return posix_command(["sha256sum", "--", file])

    def manifest(self, folder: str) -> str:
        # Every line ends with a null character, because a file's name may hold a line break.
        return f"cd {posix_command([folder])} && find . -type f -exec sha256sum --zero {{}} +"

    def read_manifest(self, printed: str) -> Mapping[str, str]:
        entries: dict[str, str] = {}
        for line in filter(None, printed.split("\0")):
            digest, separator, name = line.partition("  ./")
            if not separator:
                raise HarnessError(f"the host's list of files cannot be read: {line[:200]!r}")
            entries[name] = digest.lower()
        return entries

    def find_processes(self) -> str:
        return posix_command(["sh", "-c", f"{_OURS}ours"])

    def end_processes(self) -> str:
        return posix_command(["sh", "-c", _OURS + _END])

    def facts(self, folder: str) -> str:
        return posix_command(["sh", "-c", _FACTS, "sh", folder])

    def units(self, name: str) -> str:
        return posix_command(["sh", "-c", _UNITS, "sh", name])

    def may_keep_services(self) -> str:
        return posix_command(["sh", "-c", '[ "$(id -u)" = 0 ] || sudo -vn'])

    def journal(self, unit: str, count: int) -> str:
        return posix_command(["journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", str(count), "-u", unit])

    def stop_unit(self, unit: str) -> str:
        return posix_command(["systemctl", "stop", "--", unit])
