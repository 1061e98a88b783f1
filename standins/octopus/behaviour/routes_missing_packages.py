"""Which packages of a release the built-in feed no longer has: what a client asks before it deploys."""

from __future__ import annotations

from standins.octopus.behaviour import package_store
from standins.octopus.behaviour.documents import listed, text_of
from standins.octopus.behaviour.plan import process_packages
from standins.octopus.behaviour.routes_releases import find
from standins.octopus.contract import Call, Document, Reply, Route


def missing_packages(call: Call) -> Reply:
    release = find(call, call.path["id"])
    process = call.transaction.load("DeploymentProcess", release["ProjectDeploymentProcessSnapshotId"]) or {}
    chosen = {
        (entry.get("ActionName"), text_of(entry.get("PackageReferenceName"))): text_of(entry.get("Version"))
        for entry in listed(release, "SelectedPackages")
    }
    missing: list[Document] = []
    for use in process_packages(process, release["ChannelId"]):
        feed = call.transaction.load("Feed", use.feed_id) if use.feed_id else None
        version = chosen.get((use.action["Name"], use.reference), "")
        built_in = use.feed_id == "feeds-builtin" or (feed is not None and feed["FeedType"] == "BuiltIn")
        if built_in and package_store.find(call.transaction, use.package_id, version, release.get("SpaceId")) is None:
            missing.append({"Id": use.package_id, "Version": version})
    return Reply({"Packages": missing})


ROUTES = (
    # In Octopus.Client between 14.3.937 (2023-10) and 14.3.1759 (2024-11).
    Route("GET", "releases/{id}/missingpackages", missing_packages, permission="ReleaseView", since="2024.1"),
)
