"""Files that tasks and people attach to deployments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Document, Server, Transaction


def path_of(server: Server, artifact_id: str) -> Path:
    """One file an artifact, named by its id.

    The documented contract says only that they lie in the artifacts folder.
    """
    return server.folders.artifacts / artifact_id


def store(server: Server, artifact_id: str, content: bytes) -> None:
    target = path_of(server, artifact_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(content)
    partial.replace(target)


def delete(server: Server, transaction: Transaction, artifact_id: str) -> None:
    transaction.delete("Artifact", artifact_id)
    path_of(server, artifact_id).unlink(missing_ok=True)


def collect(
    server: Server,
    inputs: Inputs,
    task: Document,
    name: str,
    content: bytes,
    *,
    machine: Mapping[str, Any] | None,
    correlation: str,
) -> Document:
    """Keep a file a step made."""
    document: Document = {
        "Filename": name[:200],
        "Source": machine["Name"] if machine else "Octopus Server",
        "Created": iso(server.now()),
        "ProjectId": inputs.project["Id"],
        "EnvironmentId": inputs.environment["Id"],
        "TenantId": inputs.place.tenant,
        "LogCorrelationId": correlation,
    }
    link(
        server,
        document,
        task,
        [inputs.subject["Id"], inputs.source["Id"], inputs.project["Id"], inputs.environment["Id"]],
    )
    with server.store.transaction() as transaction:
        stored = transaction.insert("Artifact", document)
    store(server, stored["Id"], content)
    return stored


def link(server: Server, document: Document, task: Document, related: list[str]) -> None:
    """2019.1 replaced an artifact's related documents by its task (OctopusClients 4.45 to 6.0.2)."""
    if server.at_least("2019.1"):
        document["ServerTaskId"] = task["Id"]
        document["SpaceId"] = task.get("SpaceId")
    else:
        document["RelatedDocumentIds"] = [task["Id"], *related]
