"""Packages for a subset: an export of projects leaves them behind, and most deployments are nothing without one.

Octopus's own advice is to copy them over the API (Octopus docs, projects/export-import, "Packages"); the main instance
is only read. Copied are those of the built-in feed that the imported processes name, in the versions that the imported
releases selected, and the newest of each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from tidegate.errors import Refused
from tidegate.octopus.client import OctopusClient
from tidegate.octopus.spaces import in_space

Report = Callable[[str], None]
#: Where a step without package references names its package (step templates and processes before 2018.8).
_PROPERTY: Final = "Octopus.Action.Package.PackageId"

_REFUSAL: Final = 65536  # bytes of it that are read


def copy_packages(
    main: OctopusClient,
    main_space: str,
    test: OctopusClient,
    test_space: str,
    report: Report,
    *,
    runbooks: bool = True,
) -> int:
    """Copy what the test instance's space needs and the main instance's built-in feed has; how many.

    ``runbooks``: whether this version has them (2019.11 and later).
    """
    names, versions = _named_packages(test, test_space, runbooks), _selected_versions(test, test_space)
    path = in_space(main_space, "packages")
    copied = 0
    for name in sorted(names):
        chosen = [one for one in main.items(path, nuGetPackageId=name) if one["Version"] in versions]
        chosen += main.items(path, nuGetPackageId=name, latest=True)
        for package in {str(one["Id"]): one for one in chosen if one["PackageId"] == name}.values():
            _copy(main, f"{path}/{package['Id']}/raw", test, test_space, package)
            copied += 1
    if copied:
        report(f"copied {copied} packages that the imported projects use")
    return copied


def _named_packages(client: OctopusClient, space: str, runbooks: bool) -> set[str]:
    """What living processes name."""
    return {
        name
        for collection in ("deploymentprocesses", *(["runbookProcesses"] if runbooks else []))
        for process in client.items(in_space(space, collection))
        for name in _named(process)
    }


def _selected_versions(client: OctopusClient, space: str) -> set[str]:
    """The versions that releases selected, of whatever package."""
    return {
        str(selected["Version"])
        for release in client.items(in_space(space, "releases"))
        for selected in cast("list[dict[str, Any]]", release.get("SelectedPackages") or [])
    }


def _named(process: Mapping[str, Any]) -> Iterator[str]:
    for step in cast("list[dict[str, Any]]", process.get("Steps") or []):
        for action in cast("list[dict[str, Any]]", step.get("Actions") or []):
            properties = cast("dict[str, Any]", action.get("Properties") or {})
            packages = cast("list[dict[str, Any]]", action.get("Packages") or [])
            for name in [properties.get(_PROPERTY), *(one.get("PackageId") for one in packages)]:
                if isinstance(name, str) and name and "#{" not in name:
                    yield name


def _copy(main: OctopusClient, path: str, test: OctopusClient, space: str, package: Mapping[str, Any]) -> None:
    extension = str(package.get("FileExtension") or ".nupkg")
    name = f"{package['PackageId']}.{package['Version']}{extension}"
    with tempfile.TemporaryFile() as file:  # packages may be larger than this machine's memory
        received = main.download(path, file.write)
        file.seek(0)
        if not received.ok:
            told = replace(received, content=file.read(_REFUSAL)).error_message
            raise Refused(f"GET {path} answered {received.status}: {told}", where=main.url)
        pushed = test.send(
            "POST",
            in_space(space, "packages/raw"),
            params={"overwriteMode": "IgnoreIfExists"},
            files={"file": (name, file)},
        )
    if not pushed.ok:
        raise Refused(f"the package {name} answered {pushed.status}: {pushed.error_message}", where=test.url)
