"""What every space starts with: the same documents the installer puts into an empty database."""

from __future__ import annotations

from standins.octopus.contract import Call, Document

#: The policy documents spell their defaults out; what is left out here is the default of ``models.toml``.
_POLICY: Document = {
    "Name": "Default Machine Policy",
    "Description": "Default machine policy",
    "IsDefault": True,
}


def default_documents(space: str | None) -> list[tuple[str, Document]]:
    """Kind and document of each; ``space`` is None before 2019.1."""
    documents: list[tuple[str, Document]] = [
        (
            "ProjectGroup",
            {"Name": "Default Project Group", "Description": "", "EnvironmentIds": [], "RetentionPolicyId": None},
        ),
        (
            "Lifecycle",
            {
                "Name": "Default Lifecycle",
                "Description": "",
                "Phases": [],
                "ReleaseRetentionPolicy": {"Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True},
                "TentacleRetentionPolicy": {"Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True},
            },
        ),
        ("MachinePolicy", dict(_POLICY)),
        ("WorkerPool", {"Name": "Default Worker Pool", "Description": None, "IsDefault": True, "SortOrder": 0}),
        (
            "Feed",
            {
                "Name": "Octopus Server (built-in)",
                "FeedType": "BuiltIn",
                "FeedUri": "",
                "DeleteUnreleasedPackagesAfterDays": None,
                "IsBuiltInRepoSyncEnabled": False,
                "PackageAcquisitionLocationOptions": ["Server", "ExecutionTarget", "NotAcquired"],
            },
        ),
    ]
    return [(kind, {**document, "SpaceId": space} if space else document) for kind, document in documents]


def insert_defaults(call: Call, space: str) -> None:
    for kind, document in default_documents(space):
        call.transaction.insert(kind, document)
