"""The audit log: every write of the API and every turn of a task leaves an event here.

Shape of an event: the recorded 2019 and 2024 replies; ``ChangeDetails`` came by 2020.5 (swagger), ``UserAgent`` is a
column from 2020.3 and a property before.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standins.octopus.behaviour import event_catalogue
from standins.octopus.behaviour.moments import iso
from standins.octopus.contract import Call, Document, Server, Transaction
from standins.octopus.regressions import hooks

#: The account behind everything the server does on its own ("users-system" in recorded events).
SYSTEM_USER: Document = {"Id": "users-system", "Username": "system", "IsService": True}

#: Secrets and volatile columns say nothing in an audit record of a change.
_NOT_COMPARED = frozenset({"DataVersion", "LastModifiedOn", "LastModifiedBy", "Links", "AutoId"})


@dataclass(frozen=True, slots=True)
class Source:
    """Who did it and how the caller got in."""

    user: Document
    identity: str = "Session cookie"
    agent: str = "Server"

    @classmethod
    def of(cls, call: Call) -> Source:
        key = "x-octopus-apikey" in call.headers or "apikey" in call.query
        return cls(
            call.user or SYSTEM_USER, "API key" if key else "Session cookie", call.headers.get("user-agent", "Unknown")
        )


SERVER = Source(SYSTEM_USER, "", "Server")


def record(
    server: Server,
    transaction: Transaction,
    category: str,
    message: str,
    *,
    references: Mapping[str, str] | None = None,
    related: Sequence[str] = (),
    source: Source = SERVER,
    space: str | None = None,
    project: str | None = None,
    environment: str | None = None,
    tenant: str | None = None,
    details: str = "",
    comments: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Document:
    """Write one event. ``references`` maps words of the message to the documents they name."""
    named = references or {}
    everything = list(
        dict.fromkeys([*related, *named.values(), *(part for part in (project, environment, tenant) if part)])
    )
    event: Document = {
        "Category": category,
        "UserId": source.user["Id"],
        "Username": source.user["Username"],
        "IsService": bool(source.user.get("IsService")),
        "IdentityEstablishedWith": source.identity,
        "UserAgent": source.agent[:100],
        "Occurred": iso(server.now()),
        "Message": message,
        "MessageHtml": _as_html(message, named),
        "MessageReferences": _spans(message, named),
        "Comments": comments or None,
        "Details": details or None,
        "ProjectId": project,
        "EnvironmentId": environment,
        "TenantId": tenant,
        "RelatedDocumentIds": everything,
    }
    if server.at_least("2020.1"):
        event["ChangeDetails"] = changes or {"DocumentContext": None, "Differences": None}
    if server.at_least("2019.1"):
        event["SpaceId"] = space
    stored = transaction.insert("Event", hooks.adjust("event", event, server))
    hooks.tell("event stored", server, transaction, stored)
    return stored


def created(call: Call, kind: str, document: Document, **more: Any) -> Document:
    """A document was created through the API; ``kind`` is the word the message uses ("Environment")."""
    return _changed(call, "Created", "created", kind, document, **more)


def modified(call: Call, kind: str, document: Document, before: Document, **more: Any) -> Document:
    """A document was changed through the API; the event tells the properties that differ, without any secret."""
    return _changed(call, "Modified", "changed", kind, document, before=before, **more)


def deleted(call: Call, kind: str, document: Document, **more: Any) -> Document:
    return _changed(call, "Deleted", "deleted", kind, document, **more)


def _changed(
    call: Call, category: str, verb: str, kind: str, document: Document, *, before: Document | None = None, **more: Any
) -> Document:
    name = str(document.get("Name") or document.get("Version") or document.get("Username") or document["Id"])
    differences = _differences(before, document) if before is not None else []
    return record(
        call.server,
        call.transaction,
        category,
        f"{kind} {name} was {verb}",
        references={name: str(document["Id"])},
        source=Source.of(call),
        space=document.get("SpaceId", call.space),
        project=document.get("ProjectId"),
        environment=document.get("EnvironmentId"),
        tenant=document.get("TenantId"),
        details="\n".join(f"{item['path']}: {item['op']}" for item in differences),
        changes={"DocumentContext": {"Id": document["Id"], "Name": name}, "Differences": differences}
        if before
        else None,
        **more,
    )


def _differences(before: Document, after: Document) -> list[dict[str, Any]]:
    """A JSON-patch-like list of changed top-level properties; values that could hold secrets are left out."""
    found: list[dict[str, Any]] = []
    for name in sorted((before.keys() | after.keys()) - _NOT_COMPARED):
        if before.get(name) == after.get(name):
            continue
        operation = "add" if name not in before else "remove" if name not in after else "replace"
        entry: dict[str, Any] = {"op": operation, "path": f"/{name}"}
        if isinstance(after.get(name), (str, int, bool)) and not _may_be_secret(name, after.get(name)):
            entry["value"] = after[name]
        found.append(entry)
    return found


def _may_be_secret(name: str, value: Any) -> bool:
    words = ("password", "secret", "key", "token", "value", "data", "hash")
    return any(word in name.lower() for word in words) or "|" in json.dumps(value)


def _spans(message: str, named: Mapping[str, str]) -> list[dict[str, Any]]:
    spans: list[dict[str, Any]] = []
    start = 0
    for word, document in named.items():
        at = message.find(word, start)
        if at >= 0:
            spans.append({"ReferencedDocumentId": document, "StartIndex": at, "Length": len(word)})
            start = at + len(word)
    return spans


def _as_html(message: str, named: Mapping[str, str]) -> str:
    text = ""
    at = 0
    for span in _spans(message, named):
        word = message[span["StartIndex"] : span["StartIndex"] + span["Length"]]
        text += html.escape(message[at : span["StartIndex"]])
        text += f"<a href='#/{document_path(span['ReferencedDocumentId'])}'>{html.escape(word)}</a>"
        at = span["StartIndex"] + span["Length"]
    return text + html.escape(message[at:])


def document_path(document_id: str) -> str:
    """``Projects-1`` → ``projects/Projects-1``."""
    return f"{document_id.split('-', 1)[0].lower()}/{document_id}"


def type_names(server: Server) -> dict[str, str]:
    """Id prefix → the document type's name, for this version."""
    return {entry.id: entry.name for entry in event_catalogue.known(event_catalogue.DOCUMENT_TYPES, server.version)}
