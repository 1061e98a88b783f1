"""The package of a migration: what `Octopus.Migrator partial-export` left in a folder, in one zip.

That an exported folder holds ``metadata.json`` is known (the container's ``/import`` volume looks for it); the rest of
the layout is the stand-in's own. An encrypted package hides everything under the migration's password.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from dataclasses import dataclass
from typing import Final

import orjson

from standins.octopus.crypto import MasterKey, WrongMasterKey

_METADATA: Final = "metadata.json"
_DOCUMENTS: Final = "documents.zip"
_SEALED: Final = "package.encrypted"
_SALT: Final = "package.salt"
_ROUNDS: Final = 100_000


class NotAMigration(Exception):
    """The package holds no migration, is encrypted and should not be, or the other way round."""


@dataclass(frozen=True, slots=True)
class Migration:
    """``space`` is the name of the source's space, empty before there were spaces: the target's is never chosen."""

    space: str
    documents: bytes  # what `bundle.pack` made


def pack_migration(migration: Migration, password: str, *, encrypt: bool) -> bytes:
    plain = _zip({_METADATA: orjson.dumps({"Space": migration.space}), _DOCUMENTS: migration.documents})
    if not encrypt:
        return plain
    salt = os.urandom(16)
    sealed = _key(password, salt).encrypt(base64.b64encode(plain).decode())
    return _zip({_SALT: salt, _SEALED: sealed.encode()})


def open_migration(content: bytes, password: str, *, encrypted: bool) -> Migration:
    """Raises ``NotAMigration``."""
    files = _files(content)
    if encrypted is not (_SEALED in files):
        raise NotAMigration(f"The package is {'not ' if encrypted else ''}encrypted.")
    if encrypted:
        try:
            plain = _key(password, files[_SALT]).decrypt(files[_SEALED].decode())
        except WrongMasterKey:
            raise NotAMigration("The package could not be decrypted with this password.") from None
        files = _files(base64.b64decode(plain))
    if _METADATA not in files or _DOCUMENTS not in files:
        raise NotAMigration(f"The package does not contain an export: there is no {_METADATA} in it.")
    return Migration(str(orjson.loads(files[_METADATA])["Space"]), files[_DOCUMENTS])


def _files(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        raise NotAMigration("The package is not a zip file.") from None


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _key(password: str, salt: bytes) -> MasterKey:
    return MasterKey(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS, 16))
