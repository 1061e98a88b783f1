"""The migration API, since 2018.6.0: a partial export into a package, and its import, as tasks.

Parameters: octopus.com/docs/octopus-rest-api/migration-api; the refusals: the swagger document of 2020.5.
"""

from __future__ import annotations

from typing import Final

from standins.octopus.api.errors import invalid
from standins.octopus.behaviour import migrations, tasks
from standins.octopus.behaviour.documents import folded, is_true, text_of, texts
from standins.octopus.contract import Call, Document, Reply, Route

SINCE: Final = "2018.6"
#: Never among the arguments of the stored task, and never in an answer.
_SECRET = ("password", "destinationapikey")
_CALLBACKS = ("successcallbackuri", "failurecallbackuri")


def _queue(call: Call, name: str, description: str, arguments: Document, body: Document) -> Reply:
    space = text_of(body.get("spaceid") or body.get("packagefeedspaceid")) or None
    subject = tasks.Subject(space=space if call.server.at_least("2019.1") else None)
    task = tasks.queue(call.server, call.transaction, name, description, arguments=arguments, subject=subject)
    task[migrations.SECRET] = call.server.master_key.encrypt(text_of(body.get("password")))
    call.transaction.update("ServerTask", task)
    shown = {name: None for name in ("Password", "DestinationApiKey") if name.lower() in body}
    return Reply({**arguments, **shown, "TaskId": task["Id"], "Links": {"Task": f"/api/tasks/{task['Id']}"}})


def _body(call: Call, *needed: str) -> Document:
    if not call.body:
        raise invalid("No request body was supplied.")
    body = folded(call.body)
    for name in needed:
        if not body.get(name.lower()):
            raise invalid(f"Missing expected '{name}' parameter.")
    unheard = [name for name in (*_CALLBACKS, "destinationpackagefeed") if body.get(name)]
    if unheard:
        raise invalid(f"This stand-in for Octopus Server calls nobody: leave out {', '.join(unheard)}.")
    return body


def partial_export(call: Call) -> Reply:
    body = _body(call, "Password", "Projects")
    arguments: Document = {
        "Projects": texts(body, "projects"),
        "PackageId": text_of(body.get("packageid")) or migrations.PACKAGE_ID,
        "PackageVersion": text_of(body.get("packageversion")) or migrations.random_version(),
        "SpaceId": text_of(body.get("spaceid")) or None,
        **{
            name: is_true(body.get(name.lower()))
            for name in (
                "IgnoreCertificates",
                "IgnoreMachines",
                "IgnoreDeployments",
                "IgnoreTenants",
                "IncludeTaskLogs",
                "EncryptPackage",
            )
        },
    }
    return _queue(call, migrations.EXPORT, "Partial export", arguments, body)


def start_import(call: Call) -> Reply:
    body = _body(call, "PackageId", "PackageVersion", "Password")
    arguments: Document = {
        "PackageId": text_of(body.get("packageid")),
        "PackageVersion": text_of(body.get("packageversion")),
        "PackageFeedSpaceId": text_of(body.get("packagefeedspaceid")) or None,
        **{
            name: is_true(body.get(name.lower()))
            for name in ("IsEncryptedPackage", "IsDryRun", "OverwriteExisting", "DeletePackageOnCompletion")
        },
    }
    return _queue(call, migrations.IMPORT, "Import", arguments, body)


ROUTES = (
    Route(
        "POST",
        "migrations/partialexport",
        partial_export,
        "system",
        "AdministerSystem",
        SINCE,
        operation="exportPartially",
    ),
    Route("POST", "migrations/import", start_import, "system", "AdministerSystem", SINCE, operation="importMigration"),
)
