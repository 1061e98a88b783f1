"""Maintenance mode over the REST API (`/api/maintenanceconfiguration`, as Octopus's own upgrade script uses it)."""

from __future__ import annotations

from tidegate.errors import Refused
from tidegate.octopus.client import OctopusClient

_PATH = "/api/maintenanceconfiguration"


def in_maintenance_mode(client: OctopusClient) -> bool:
    """Needs the permission AdministerSystem."""
    return bool(client.get(_PATH)["IsInMaintenanceMode"])


def set_maintenance_mode(client: OctopusClient, on: bool) -> None:
    """Switch it and read it back; raises :class:`Refused` when the server did not take it."""
    client.put(_PATH, {**client.get(_PATH), "IsInMaintenanceMode": on})
    if in_maintenance_mode(client) is not on:
        raise Refused(f"maintenance mode could not be switched {'on' if on else 'off'}", where=client.url)
