"""The built-in package repository on disk and its index.

Layout: ``<Packages>/<PackageId>/<PackageId>.<Version>.<ext>`` before 2019.1; since then below
``<Packages>/<SpaceId>/<FeedId>/`` (the 2019.1 schema upgrade moves the files: Script0180BuiltInFeedMigration,
OctopusDeploy/Issues 5262).
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from standins.octopus.behaviour.moments import iso
from standins.octopus.behaviour.version_rules import PackageVersion
from standins.octopus.contract import Document, Server, Transaction

#: Longest first, so that ``.tar.gz`` is not taken for ``.gz``.
EXTENSIONS = (
    ".tar.bz2",
    ".tar.gz",
    ".nupkg",
    ".tar",
    ".tgz",
    ".zip",
    ".jar",
    ".war",
    ".ear",
    ".rar",
)
_NAME = re.compile(r"^(?P<id>[\w.-]+?)[.](?P<version>\d+(?:\.\d+){1,3}(?:[-+][0-9A-Za-z.+-]+)?)$")


class NotAPackage(ValueError):
    """The file name says neither id nor version."""


@dataclass(frozen=True, slots=True)
class PackageName:
    id: str
    version: str
    extension: str

    @property
    def file(self) -> str:
        return f"{self.id}.{self.version}{self.extension}"

    @property
    def document_id(self) -> str:
        return f"packages-{self.id}.{self.version}"


def parse_name(file_name: str) -> PackageName:
    """``<PackageId>.<Version>.<ext>``.

    The version starts at the first number that leaves nothing but a version behind it.
    """
    base = Path(file_name.replace("\\", "/")).name
    extension = next((ending for ending in EXTENSIONS if base.lower().endswith(ending)), "")
    match = _NAME.match(base[: len(base) - len(extension)]) if extension else None
    if match is None or not any(character.isalpha() for character in match["id"]):
        raise NotAPackage(file_name)
    return PackageName(match["id"], match["version"], base[len(base) - len(extension) :])


def folder(server: Server, space: str | None, feed_id: str) -> Path:
    if server.at_least("2019.1"):
        return server.folders.packages / (space or "Spaces-1") / feed_id
    return server.folders.packages


def path_of(server: Server, package: Document, feed_id: str) -> Path:
    name = PackageName(package["PackageId"], package["Version"], package.get("FileExtension") or ".nupkg")
    return folder(server, package.get("SpaceId"), feed_id) / name.id / name.file


def built_in_feed_id(server: Server, transaction: Transaction, space: str | None) -> str:
    """``feeds-builtin`` in old data and in the default space, ``Feeds-N`` elsewhere; a feed document since 2019.1."""
    if not server.at_least("2019.1"):
        return "feeds-builtin"
    feeds = transaction.query("Feed", where={"FeedType": "BuiltIn"}, space=space, take=1)
    return feeds[0]["Id"] if feeds else "feeds-builtin"


def find(transaction: Transaction, package_id: str, version: str, space: str | None) -> Document | None:
    found = transaction.query("NuGetPackage", where={"PackageId": package_id, "Version": version}, space=space, take=1)
    return found[0] if found else None


def write(server: Server, name: PackageName, content: bytes, space: str | None, feed_id: str) -> Path:
    """Put the file in place at once: a reader sees the old package or the new one."""
    target = folder(server, space, feed_id) / name.id / name.file
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(content)
    partial.replace(target)
    return target


def index_document(server: Server, name: PackageName, content: bytes, space: str | None) -> Document:
    version = PackageVersion.parse(name.version)
    document: Document = {
        "Id": name.document_id,
        "PackageId": name.id,
        "Version": name.version,
        "VersionMajor": version.numbers[0],
        "VersionMinor": version.numbers[1],
        "VersionBuild": version.numbers[2],
        "VersionRevision": version.numbers[3],
        "VersionSpecial": version.special,
        "FileExtension": name.extension,
        "PackageSizeBytes": len(content),
        # SHA-1 is what the built-in repository publishes as a package's hash; nothing secret depends on it.
        "Hash": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "Title": name.id,
        "Description": "",
        "Summary": "",
        "ReleaseNotes": None,
        "Published": iso(server.now()),
    }
    if server.at_least("2019.1"):
        document["SpaceId"] = space
    return document


def extract(archive: Path, target: Path) -> int:
    """Unpack a package; the number of files. Entries that would leave the folder are left out."""
    target.mkdir(parents=True, exist_ok=True)
    if archive.name.lower().endswith((".tar", ".tgz", ".tar.gz", ".tar.bz2")):
        with tarfile.open(archive) as bundle:
            _extract_files(bundle, target)
    else:
        with zipfile.ZipFile(archive) as bundle:
            bundle.extractall(target)  # noqa: S202 - the library leaves ".." and drive letters out of the names
    return sum(len(files) for _, _, files in os.walk(target))


def _extract_files(bundle: tarfile.TarFile, target: Path) -> None:
    """Regular files that stay inside ``target`` (`extractall` has its safe filter from Python 3.11.4 on)."""
    inside = target.resolve()
    for member in bundle.getmembers():
        file = (target / member.name).resolve()
        source = bundle.extractfile(member) if member.isreg() else None
        if source is not None and inside in file.parents:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(source.read())
            file.chmod(member.mode & 0o755 | 0o600)
