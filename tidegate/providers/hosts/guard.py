"""Whether a host is the machine that the main instance runs on."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tidegate.errors import HarnessError
from tidegate.octopus.client import Access, OctopusClient
from tidegate.settings import MainOnHostSettings, MainSettings

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Machine:
    """What tells a host from others: the name it has for itself, its addresses, and whether it is this machine."""

    name: str
    addresses: frozenset[str]
    is_this_one: bool


@dataclass(frozen=True, slots=True)
class MainMachineSeen:
    """Where the main instance's URL and the machines that the settings name lead to, and what its nodes call themselves
    (by default, as their machines)."""

    addresses: frozenset[str]
    nodes: frozenset[str]


def machine_of(facts: Mapping[str, Sequence[str]], *, local: bool) -> Machine:
    """The host that printed these facts; ``local`` when it was asked without a network."""
    addresses = {*facts.get("address", ()), *(_written(digits) for digits in facts.get("address6", ()))}
    boot = next(iter(facts.get("boot", ())), "")
    here = _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else ""
    name = next(iter(facts.get("machine", ())), "")
    return Machine(name, frozenset(map(_plain, addresses)), local or (bool(boot) and boot == here))


def main_machine_seen(main: MainSettings) -> MainMachineSeen:
    """Asks the name service and the main instance. A main instance that does not answer is not known by its nodes: the
    rehearsal itself ends there a moment later."""
    found = {address for name in _names(main) for address in _addresses(name)}
    try:
        with OctopusClient(main.url, main.api_key, access=Access.READ_ONLY, timeout=15) as client:
            nodes = {str(node["Name"]) for node in client.items("/api/octopusservernodes")}
    except HarnessError:
        nodes = set[str]()
    return MainMachineSeen(frozenset(map(_plain, found)), frozenset(nodes))


def _names(main: MainSettings) -> set[str]:
    """Behind a load balancer only the machines that its cut-over names are known; one without an address is this."""
    names = {urlsplit(main.url).hostname or ""}
    if isinstance(main.host, MainOnHostSettings):
        names |= {node.address or "127.0.0.1" for node in main.host.nodes}
        names |= {urlsplit(node.url).hostname or "" for node in main.host.nodes if node.url}
    return names - {""}


def _addresses(name: str) -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return set()  # perhaps a name that only ssh's own configuration knows


def why_main_s(host: Machine, main: MainMachineSeen) -> str:
    """What says that the host is the main instance's machine; "" when nothing does. Loopback addresses lead to this
    machine, so they count where the host is this machine."""
    shared = {one for one in host.addresses & main.addresses if not ip_address(one).is_loopback}
    if shared:
        return f"the main instance's URL or machine leads to its address {min(shared)}"
    if host.is_this_one and any(ip_address(one).is_loopback for one in main.addresses):
        return "both are this machine"
    mine = _short(host.name)
    same = sorted(node for node in main.nodes if mine and _short(node) == mine)
    return f"the main instance has a node {same[0]}, and the host has that name" if same else ""


def _written(digits: str) -> str:
    """An address as /proc/net/if_inet6 tells it, as others write it."""
    return ":".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def _plain(address: str) -> str:
    """One spelling of an address, without its interface; an IPv4 address in IPv6 clothes is the IPv4 one."""
    parsed = ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _short(name: str) -> str:
    return name.partition(".")[0].casefold()
