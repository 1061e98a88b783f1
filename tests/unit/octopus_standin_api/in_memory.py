"""A store that keeps documents in memory: for tests of what lies above the database."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from standins.octopus import store as store_package
from standins.octopus.api.versions import in_force
from standins.octopus.contract import Conflict, Document, Kind, Version


class InMemoryStore:
    """Documents by kind and id. A transaction works on a copy that replaces the original at the end."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._kinds = dict(_kinds(version))
        self.documents: dict[str, dict[str, Document]] = {}
        self.numbers: dict[str, int] = {}

    def kind(self, name: str) -> Kind:
        return self._kinds[name]

    @contextmanager
    def transaction(self) -> Generator[InMemoryTransaction]:
        work = InMemoryTransaction(self, copy.deepcopy(self.documents))
        yield work
        self.documents = work.documents

    def close(self) -> None:
        self.documents = {}


class InMemoryTransaction:
    def __init__(self, store: InMemoryStore, documents: dict[str, dict[str, Document]]) -> None:
        self._store = store
        self.documents = documents
        self.queries = 0

    def _of(self, kind: str) -> dict[str, Document]:
        self._store.kind(kind)
        return self.documents.setdefault(kind, {})

    def load(self, kind: str, id: str) -> Document | None:
        self.queries += 1
        found = next((document for key, document in self._of(kind).items() if key.lower() == id.lower()), None)
        return copy.deepcopy(found)

    def load_many(self, kind: str, ids: Iterable[str]) -> list[Document]:
        self.queries += 1
        wanted = {document_id.lower() for document_id in ids}
        return [copy.deepcopy(document) for key, document in self._of(kind).items() if key.lower() in wanted]

    def query(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
        order_by: str = "",
        skip: int = 0,
        take: int | None = None,
    ) -> list[Document]:
        self.queries += 1
        found = [
            copy.deepcopy(document)
            for document in self._of(kind).values()
            if _matches(document, where, contains, space)
        ]
        for column in reversed([part.strip() for part in order_by.split(",") if part.strip()]):
            name, _, direction = column.partition(" ")
            found.sort(
                key=lambda document, name=name: _sortable(document.get(name)), reverse=direction.upper() == "DESC"
            )
        return found[skip:] if take is None else found[skip : skip + take]

    def count(
        self,
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        contains: Mapping[str, str] | None = None,
        space: str | Sequence[str | None] | None = None,
    ) -> int:
        return len(self.query(kind, where=where, contains=contains, space=space))

    def insert(self, kind: str, document: Document) -> Document:
        stored = copy.deepcopy(document)
        if not stored.get("Id"):
            stored["Id"] = self.new_id(kind)
        self._check_unique(kind, stored)
        self._of(kind)[stored["Id"]] = stored
        return copy.deepcopy(stored)

    def new_id(self, kind: str) -> str:
        prefix = self._store.kind(kind).id_prefix
        self._store.numbers[prefix] = self._store.numbers.get(prefix, 0) + 1
        return f"{prefix}-{self._store.numbers[prefix]}"

    def update(self, kind: str, document: Document) -> None:
        self._check_unique(kind, document)
        self._of(kind)[document["Id"]] = copy.deepcopy(document)

    def claim(self, kind: str, id: str, version: int) -> bool:
        return self._of(kind)[id].get("Version") == version

    def delete(self, kind: str, id: str) -> None:
        self._of(kind).pop(id, None)

    def execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        deletion = re.fullmatch(r"DELETE FROM dbo\.\[(\w+)\] WHERE \[SpaceId\] = \?", sql)
        if deletion is not None:
            kept = {
                key: document
                for key, document in self._of(deletion[1]).items()
                if document.get("SpaceId") != parameters[0]
            }
            self.documents[deletion[1]] = kept
            return []
        columns = re.fullmatch(r"SELECT ([\w\[\], ]+) FROM dbo\.\[(\w+)\]", sql)
        if columns is None or parameters:
            raise NotImplementedError(sql)
        names = [name.strip(" []") for name in columns[1].split(",")]
        return [tuple(document.get(name) for name in names) for document in self._of(columns[2]).values()]

    def _check_unique(self, kind: str, document: Document) -> None:
        for columns in self._store.kind(kind).unique:
            for other in self._of(kind).values():
                same = all(
                    str(other.get(column)).lower() == str(document.get(column)).lower()
                    for column in (*columns, "SpaceId")
                )
                if same and other["Id"] != document["Id"]:
                    raise Conflict(kind, columns)


def _matches(
    document: Document,
    where: Mapping[str, Any] | None,
    contains: Mapping[str, str] | None,
    space: str | Sequence[str | None] | None,
) -> bool:
    for name, wanted in (where or {}).items():
        value = document.get(name)
        if isinstance(wanted, list | tuple | set | frozenset):
            if str(value).lower() not in {str(item).lower() for item in wanted}:  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                return False
        elif (value is None) != (wanted is None) or (wanted is not None and str(value).lower() != str(wanted).lower()):
            return False
    if not all(_holds(document.get(name), part.lower()) for name, part in (contains or {}).items()):
        return False
    if space is None or "SpaceId" not in document:
        return True
    return document["SpaceId"] in ([space] if isinstance(space, str) else space)


def _holds(value: Any, part: str) -> bool:
    if isinstance(value, list):
        return part in {str(item).lower() for item in value}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return part in str(value or "").lower()


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, "")
    return (1, value) if isinstance(value, int | float) else (2, str(value).lower())


def _kinds(version: Version) -> Iterator[tuple[str, Kind]]:
    table = tomllib.loads((Path(store_package.__path__[0]) / "kinds.toml").read_text(encoding="utf-8"))
    for name, row in table.items():
        if not in_force(version, row.get("since", ""), row.get("until", "")):
            continue
        columns: dict[str, str] = {}
        for column, spec in row.get("columns", {}).items():
            text = spec if isinstance(spec, str) else spec["type"]
            if isinstance(spec, str) or in_force(version, spec.get("since", ""), spec.get("until", "")):
                columns[column] = text
        spaced = bool(row.get("space")) and in_force(version, "2019.1", "")
        yield name, Kind(name, row.get("table", name), row["ids"], columns, spaced, row.get("unique", ()))
