"""The file of an export: documents as JSON in a zip, their secrets encrypted with a key made of the password."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from typing import Any, Final, cast

import orjson

from standins.octopus.contract import Document, Version
from standins.octopus.crypto import MasterKey, WrongMasterKey, is_sealed

_MANIFEST: Final = "manifest.json"
_ROUNDS: Final = 100_000
_PROOF: Final = "the password of this export"


class NotAnExport(Exception):
    """The file is no export, or the password is not the one it was made with."""


def pack(
    documents: dict[str, dict[str, Document]], *, version: Version, password: str, key: MasterKey, projects: list[str]
) -> bytes:
    """The zip. Secrets are taken out of the server's master key and put under the password's."""
    salt = os.urandom(16)
    own = _key(password, salt)
    manifest = {
        "OctopusVersion": str(version),
        "Projects": projects,
        "Salt": base64.b64encode(salt).decode(),
        "Proof": own.encrypt(_PROOF),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_MANIFEST, orjson.dumps(manifest))
        for kind, found in documents.items():
            for number, document in enumerate(found.values()):
                sealed = resealed(document, lambda text: own.encrypt(key.decrypt(text)))
                archive.writestr(f"{kind}/{number}.json", orjson.dumps(sealed))
    return packed.getvalue()


class Bundle:
    """An export that was opened with its password."""

    def __init__(self, content: bytes, password: str) -> None:
        """Raises ``NotAnExport``."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [name for name in archive.namelist() if name.endswith(".json")]
                files = {name: orjson.loads(archive.read(name)) for name in names}
            manifest = cast("dict[str, Any]", files.pop(_MANIFEST))
            self.version = Version.parse(manifest["OctopusVersion"])
            self._key = _key(password, base64.b64decode(manifest["Salt"]))
            proof = str(manifest["Proof"])
        except (zipfile.BadZipFile, KeyError, ValueError) as problem:
            raise NotAnExport("The file is not an export of projects.") from problem
        try:
            correct = self._key.decrypt(proof) == _PROOF
        except WrongMasterKey:
            correct = False
        if not correct:
            raise NotAnExport("The password is not the one the projects were exported with.")
        self.documents: dict[str, dict[str, Document]] = {}
        for name, document in files.items():
            self.documents.setdefault(name.partition("/")[0], {})[document["Id"]] = document

    def of(self, kind: str) -> dict[str, Document]:
        return self.documents.get(kind, {})

    def sealed_with(self, document: Document, key: MasterKey) -> Document:
        """The document with its secrets under the key of the server that takes it in."""
        return resealed(document, lambda text: key.encrypt(self._key.decrypt(text)))


def resealed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value) if is_sealed(value) else value
    if isinstance(value, dict):
        return {name: resealed(item, change) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [resealed(item, change) for item in cast("list[Any]", value)]
    return value


def _key(password: str, salt: bytes) -> MasterKey:
    return MasterKey(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS, 16))
