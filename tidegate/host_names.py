"""One spelling for the names and addresses that lead to the same machine, as far as that can be told without asking.

What only a name service knows (an alias, a forwarded port) is not seen through here: there the server itself is asked.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

THIS_MACHINE: Final = "localhost"
#: SQL Server's ways to say it, and those of hosts files.
_HERE: Final = frozenset(
    {".", "(local)", "localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"}
)
#: What inet_aton takes besides four decimal numbers: `127.1`, `0x7f000001`, `2130706433`, `017700000001`.
_OLD_STYLE: Final = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}", re.IGNORECASE)


def one_spelling(host: str) -> str:
    """Without case, a trailing dot, brackets or an interface; every way to say "this machine" is the same."""
    name = host.strip().lower().strip("[]").partition("%")[0]
    if name not in _HERE:
        name = name.rstrip(".")
    address = _address(name)
    if address is not None:
        return THIS_MACHINE if address.is_loopback or address.is_unspecified else str(address)
    if name in _HERE or name.endswith(".localhost") or name in _own_names():
        return THIS_MACHINE
    return name


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(name)
    except ValueError:
        if not _OLD_STYLE.fullmatch(name):
            return None
        try:
            return IPv4Address(socket.inet_aton(name))
        except OSError:
            return None
    return getattr(address, "ipv4_mapped", None) or address


def _own_names() -> frozenset[str]:
    """What this machine calls itself; the name service is not asked."""
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0]}) - {""}
