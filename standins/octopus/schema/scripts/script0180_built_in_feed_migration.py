"""2019.1: the built-in repository became a feed of the default space, and its packages moved on disk.

Octopus docs: packages move from `<PackageRoot>` to `<PackageRoot>/Spaces-1/feeds-builtin/…` while the schema is
upgraded; it needs a writable parent folder for a temporary one (OctopusDeploy/Issues#5262). Files are not part of the
transaction.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Final

from standins.octopus.api.resources.default_documents import default_documents
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.folders import stored_folder
from standins.octopus.store.documents import to_json

_SPACE: Final = "Spaces-1"
_FEED: Final = "feeds-builtin"


def run(context: ScriptContext) -> None:
    database = context.database
    document = next(document for kind, document in default_documents(_SPACE) if kind == "Feed")
    columns = {name: document.pop(name) for name in ("Name", "FeedType", "FeedUri", "SpaceId")}
    row = database.run("SELECT [JSON] FROM dbo.[Configuration] WHERE [Id] = N'repository'")
    if row:
        import orjson  # noqa: PLC0415 - used here only

        repository = orjson.loads(row[0][0])
        document["DeleteUnreleasedPackagesAfterDays"] = repository.pop("DeleteUnreleasedPackagesAfterDays", None)
        database.run("UPDATE dbo.[Configuration] SET [JSON] = ? WHERE [Id] = N'repository'", to_json(repository))
    database.insert("Feed", _FEED, document, **columns)
    database.rewrite("Configuration", _without_feature)
    move_packages(stored_folder(database, "nugetRepository", context.home))


def _without_feature(json: dict[str, object]) -> bool:
    """FeaturesConfiguration lost these with 2019.1 (OctopusClients 4.45.0 to 6.0.2)."""
    if "IsBuiltInRepoSyncEnabled" not in json:
        return False
    del json["IsBuiltInRepoSyncEnabled"]
    json.pop("IsMultiTenancyEnabled", None)
    return True


def move_packages(root: Path) -> None:
    if not root.is_dir() or not any(entry.name != _SPACE for entry in root.iterdir()):
        return
    waiting = root.parent / f".{root.name}-{uuid.uuid4().hex}"
    waiting.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for entry in sorted(root.iterdir()):
            if entry.name != _SPACE:
                shutil.move(entry, waiting / entry.name)
                moved.append((entry, waiting / entry.name))
        target = root / _SPACE / _FEED
        target.mkdir(parents=True, exist_ok=True)
        for entry in sorted(waiting.iterdir()):
            shutil.move(entry, target / entry.name)
    except OSError:
        for original, aside in moved:
            if aside.exists():
                shutil.move(aside, original)
        raise
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
