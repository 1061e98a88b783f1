"""Copy server folders with a manifest of checksums, and compare a folder with a manifest."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, ProvisioningFailed
from tidegate.rehearsal.instances import FileEntry

_PIECE: Final = 1 << 20
#: Reading and hashing release the interpreter, so a few threads keep disk and processor busy.
_WORKERS: Final = 4
#: How often a file is copied again because it changed meanwhile: the log of a running system task grows.
_ATTEMPTS: Final = 5


def copy_folder(source: Path, target: Path, report: Callable[[str], None]) -> tuple[FileEntry, ...]:
    """Copy every file below ``source``; the manifest holds the digests of what was read, and the copies are read again.

    Files that vanish meanwhile are left out. Raises :class:`ProvisioningFailed` when there is no room, and
    :class:`HarnessError` when a file does not hold still or a copy differs.
    """
    names = list(_files(source))
    size = sum(_size(source / name) for name in names)
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if size > free:
        raise ProvisioningFailed(
            f"copying {source} needs {_human(size)}, but only {_human(free)} are free",
            where=str(target),
            next_step="free some space or choose another folder for reports",
        )
    report(f"copying {len(names)} files ({_human(size)}) from {source.name}")
    for folder in _folders(source):
        (target / folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_WORKERS) as pool:
        running = [pool.submit(_copy, source, target, name) for name in names]
        entries = [one.result() for one in running]
    return tuple(entry for entry in entries if entry is not None)


def describe_folder(folder: Path) -> tuple[FileEntry, ...]:
    """The manifest of a folder that nobody writes to, without a copy of it."""
    names = list(_files(folder))
    with ThreadPoolExecutor(_WORKERS) as pool:
        digests = pool.map(sha256_of, [folder / name for name in names])
        return tuple(
            FileEntry(name, (folder / name).stat().st_size, digest) for name, digest in zip(names, digests, strict=True)
        )


def put_back(folder: Path, copy: Path, manifest: Sequence[FileEntry], report: Callable[[str], None]) -> Path:
    """The guide's steps for a server folder: copy what is there to a safe place, delete it, copy the backup's content
    back (Octopus docs, administration/upgrading/guide, "Restore Octopus Folders"). Returns the safe place: it is to be
    deleted when the rollback is complete, which is the fourth step.

    Can be repeated after a crash: what was in the folder first stays in the safe place.
    """
    aside = aside_of(folder)
    if not aside.exists():
        partial = aside.with_name(f"{aside.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        report(f"putting what is in {folder.name} aside")
        shutil.copytree(folder, partial, copy_function=_link_or_copy, symlinks=True)
        partial.rename(aside)
    for child in list(folder.iterdir()):
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
    copy_folder(copy, folder, report)
    assert_matches(folder, manifest)
    return aside


def aside_of(folder: Path) -> Path:
    """Where the content of a server folder waits until a rollback is complete: beside it, on the same disk."""
    return folder.with_name(f"{folder.name}.before-rollback")


def differences(folder: Path, manifest: Sequence[FileEntry]) -> list[str]:
    """What is missing, additional or changed in ``folder``; empty when it is what the manifest says."""
    expected = {entry.path: entry for entry in manifest}
    found = set(_files(folder)) if folder.is_dir() else set[str]()
    complaints = [f"missing: {name}" for name in sorted(expected.keys() - found)]
    complaints += [f"not in the manifest: {name}" for name in sorted(found - expected.keys())]
    both = sorted(expected.keys() & found)
    with ThreadPoolExecutor(_WORKERS) as pool:
        digests = pool.map(sha256_of, [folder / name for name in both])
        complaints += [
            f"changed: {name}" for name, digest in zip(both, digests, strict=True) if digest != expected[name].sha256
        ]
    return complaints


def assert_matches(folder: Path, manifest: Sequence[FileEntry]) -> None:
    """Raise :class:`ProvisioningFailed` unless the folder is what the manifest says."""
    complaints = differences(folder, manifest)
    if complaints:
        more = f" and {len(complaints) - 5} more" if len(complaints) > 5 else ""
        raise ProvisioningFailed(
            f"the folder is not what its manifest says: {'; '.join(complaints[:5])}{more}", where=str(folder)
        )


def _copy(source: Path, target: Path, name: str) -> FileEntry | None:
    original, copy = source / name, target / name
    for _ in range(_ATTEMPTS):
        try:
            before = original.stat()
            digest = _copy_bytes(original, copy)
            after = original.stat()
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
            return None
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            os.utime(copy, ns=(after.st_atime_ns, after.st_mtime_ns))
            if sha256_of(copy) != digest:
                raise HarnessError("a copied file reads differently from what was written", where=str(copy))
            return FileEntry(name, after.st_size, digest)
    raise HarnessError(
        f"the file changed during each of {_ATTEMPTS} attempts to copy it",
        where=str(original),
        next_step="wait until the task that writes it has ended",
    )


def _link_or_copy(source: str, target: str) -> str:
    """A second name costs neither time nor room; shares and some file systems know none, so there it is a copy."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target


def _copy_bytes(original: Path, copy: Path) -> str:
    digest = hashlib.sha256()
    with original.open("rb") as reading, copy.open("wb") as writing:
        while piece := reading.read(_PIECE):
            digest.update(piece)
            writing.write(piece)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[str]:
    """Relative paths with forward slashes, in order. Links to folders are not followed: they may lead in circles."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            yield Path(root, file).relative_to(folder).as_posix()


def _folders(folder: Path) -> Iterator[Path]:
    for root, _, _ in os.walk(folder):
        yield Path(root).relative_to(folder)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _human(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
