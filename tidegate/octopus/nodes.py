"""What an instance says about its nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from tidegate.errors import TimedOut, UpgradeFailed
from tidegate.octopus.client import Access, OctopusClient
from tidegate.secrets import Secret
from tidegate.waiting import wait_until

#: Since 2019.1 (Octopus.Clients, OctopusServerClusterSummary); before, the list of nodes said whether they are offline.
_SUMMARY: Final = "/api/octopusservernodes/summary"
_LIST: Final = "/api/octopusservernodes"
#: Seconds until every node of a cluster must have shown itself.
_PATIENCE: Final = 120.0

Node = Mapping[str, Any]


def shown_nodes(client: OctopusClient) -> list[Node]:
    """Name, `IsOffline` and `IsInMaintenanceMode` (it takes no work) of each node that the instance knows."""
    summary = client.send("GET", _SUMMARY)
    if summary.ok:
        return cast("list[Node]", cast("dict[str, Any]", summary.json)["Nodes"])
    return list(client.items(_LIST))


def running(node: Node) -> bool:
    return not node.get("IsOffline")


def working(node: Node) -> bool:
    return not node.get("IsInMaintenanceMode")


def await_nodes(
    url: str,
    api_key: Secret,
    names: Sequence[str],
    good: Callable[[Node], bool],
    what: str,
    *,
    patience: float = _PATIENCE,
) -> None:
    """Until the instance itself says so of each of these nodes. Raises :class:`UpgradeFailed` when it does not."""
    missing = list(names)

    def all_good() -> bool:
        with OctopusClient(url, api_key, access=Access.READ_ONLY) as client:
            found = {str(node["Name"]).casefold() for node in shown_nodes(client) if good(node)}
        missing[:] = [one for one in names if one.casefold() not in found]
        return not missing

    try:
        wait_until(all_good, timeout=patience, what=f"every node to {what}", poll=1.0)
    except TimedOut:
        raise UpgradeFailed(
            f"{', '.join(missing)}, of {len(names)} nodes, does not {what} after {patience:g} s",
            where=url,
            next_step="look at the logs of these nodes",
        ) from None
