"""What an export of projects holds: the projects, what is theirs, and every shared thing they refer to.

"The simple rule-of-thumb is everything the project references is included" (octopus.com/docs/projects/export-import);
the same page says what stays behind: packages, deployment targets, workers, users (teams arrive empty), triggers, audit
events, deployments and runs. Releases go along: OctopusDeploy/Issues 7061, 7197, 7391 and 9349 fail on those of the
projects that they import.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from standins.octopus.behaviour.documents import listed, mapped, texts
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.transfer.marks import ids_in, without

#: Shared things that are followed when something refers to them, by the prefix of their ids.
_SHARED = {
    "ProjectGroups": "ProjectGroup",
    "Lifecycles": "Lifecycle",
    "Environments": "DeploymentEnvironment",
    "Accounts": "Account",
    "Certificates": "Certificate",
    "LibraryVariableSets": "LibraryVariableSet",
    "ActionTemplates": "ActionTemplate",
    "Feeds": "Feed",
    "WorkerPools": "WorkerPool",
    "Teams": "Team",
    "GitCredentials": "GitCredential",
    "RunbookSnapshots": "RunbookSnapshot",
}

#: Ids that name counted documents, whether they go along or not. Other texts of that form are just texts.
_COUNTED = frozenset(
    {
        *_SHARED,
        "Projects",
        "Channels",
        "Runbooks",
        "Releases",
        "Tenants",
        "Machines",
        "Workers",
        "Users",
        "Deployments",
        "RunbookRuns",
        "ProjectTriggers",
        "ActionTemplateVersions",
        "CommunityActionTemplates",
        "MachinePolicies",
        "Proxies",
        "ServerTasks",
    }
)

#: What belongs to a project: kind and the column that names it.
_OWNED = (("Channel", "ProjectId"), ("Runbook", "ProjectId"), ("Release", "ProjectId"))

#: Properties that point at other projects or people without needing them.
_NOT_FOLLOWED: dict[str, object] = {
    "ClonedFromProjectId": None,
    "ClonedFromTenantId": None,
    "AutoDeployReleaseOverrides": [],
}

_DEFAULT_LIFECYCLE = "Default Lifecycle"


class Reach:
    """Collects documents by kind and id; ``trim`` is what remains of one in the export."""

    def __init__(self, server: Server, transaction: Transaction, space: str | None) -> None:
        self._server = server
        self._transaction = transaction
        self._space = space
        self.found: dict[str, dict[str, Document]] = {}
        self._waiting: list[Document] = []

    def collect(self, projects: Iterable[str]) -> dict[str, dict[str, Document]]:
        for project in projects:
            self._project(project)
        while True:
            while self._waiting:
                self._follow(self._waiting.pop())
            if not self._tenants():
                break
        self._tag_sets()
        known = {document_id for documents in self.found.values() for document_id in documents}
        return {
            kind: {
                key: without(document, lambda name: _is_counted(name) and name not in known)
                for key, document in documents.items()
            }
            for kind, documents in self.found.items()
        }

    def _add(self, kind: str, document: Document | None) -> bool:
        """Whether it is new. What belongs to another space is not reached."""
        if document is None or document["Id"] in self.found.get(kind, {}):
            return False
        if document.get("SpaceId") not in (None, self._space):
            return False
        for name, empty in _NOT_FOLLOWED.items():
            if name in document:
                document[name] = empty
        self.found.setdefault(kind, {})[document["Id"]] = document
        self._waiting.append(document)
        return True

    def _project(self, project_id: str) -> None:
        transaction = self._transaction
        project = transaction.load("Project", project_id)
        if project is None or not self._add("Project", project):
            return
        self._living("VariableSet", project["VariableSetId"])
        self._living("DeploymentProcess", project["DeploymentProcessId"])
        if self._server.at_least("2021.2"):
            self._living("DeploymentSettings", f"deploymentsettings-{project_id}")
        for kind, column in _OWNED:
            if kind == "Runbook" and not self._server.at_least("2019.11"):
                continue
            for document in transaction.query(kind, where={column: project_id}):
                if self._add(kind, document) and kind == "Runbook":
                    self._living("RunbookProcess", document["RunbookProcessId"])

    def _living(self, kind: str, document_id: str | None) -> None:
        if document_id:
            self._add(kind, self._transaction.load(kind, document_id))

    def _follow(self, document: Document) -> None:
        for document_id in dict.fromkeys(self._referred(document)):
            prefix = document_id.partition("-")[0]
            if prefix == "Projects":
                self._project(document_id)  # a Deploy a Release step
            elif prefix in _SHARED:
                self._shared(_SHARED[prefix], document_id)
        for kind, column in (
            ("VariableSet", "ProjectVariableSetSnapshotId"),
            ("DeploymentProcess", "ProjectDeploymentProcessSnapshotId"),
            ("RunbookProcess", "FrozenRunbookProcessId"),
        ):
            self._living(kind, document.get(column))
        for snapshot in texts(document, "LibraryVariableSetSnapshotIds"):
            self._living("VariableSet", snapshot)

    def _referred(self, document: Document) -> Iterator[str]:
        if document.get("Name") == _DEFAULT_LIFECYCLE and "Phases" in document:
            return  # "Environments from the default lifecycle are not exported"
        yield from ids_in({name: value for name, value in document.items() if name not in {"TenantIds", "Id"}})

    def _shared(self, kind: str, document_id: str) -> None:
        transaction = self._transaction
        document = transaction.load(kind, document_id)
        if document is not None and kind == "Team":
            document = {"Id": document_id, "Name": document["Name"], "Description": document.get("Description")}
        if document is None or not self._add(kind, document):
            return
        if kind == "LibraryVariableSet":
            self._living("VariableSet", document["VariableSetId"])
        if kind == "ActionTemplate":
            for version in transaction.query("ActionTemplateVersion", where={"LatestActionTemplateId": document_id}):
                self._add("ActionTemplateVersion", version)

    def _tenants(self) -> bool:
        """Tenants connected to the projects so far, with those connections alone. Whether that reached anything new."""
        projects = self.found.get("Project", {})
        added = False
        for tenant in self._transaction.query("Tenant", space=self._space):
            places = {name: ids for name, ids in mapped(tenant, "ProjectEnvironments").items() if name in projects}
            known = self.found.get("Tenant", {}).get(tenant["Id"])
            if not places or (known is not None and known["ProjectEnvironments"] == places):
                continue
            self.found.get("Tenant", {}).pop(tenant["Id"], None)
            trimmed = {**tenant, "ProjectEnvironments": places, "ProjectIds": sorted(places)}
            added |= self._add("Tenant", trimmed)
        owners = {*projects, *self.found.get("LibraryVariableSet", {})}
        tenants = list(self.found.get("Tenant", {}))
        values = self._transaction.query("TenantVariable", where={"TenantId": tenants}) if tenants else []
        for value in values:
            if value["OwnerId"] in owners:
                added |= self._add("TenantVariable", value)
        return added

    def _tag_sets(self) -> None:
        """Tags are canonical names, ``Set/Tag``: their sets go along."""
        used = {tag.partition("/")[0] for tag in self._tags([*self.found.values()])}
        for tags in self._transaction.query("TagSet", space=self._space) if used else ():
            if tags["Name"] in used:
                self._add("TagSet", tags)

    @staticmethod
    def _tags(found: Iterable[dict[str, Document]]) -> Iterator[str]:
        for documents in found:
            for document in documents.values():
                yield from texts(document, "TenantTags")
                for step in listed(document, "Steps"):
                    for action in listed(step, "Actions"):
                        yield from texts(action, "TenantTags")
                for variable in listed(document, "Variables"):
                    yield from texts(mapped(variable, "Scope"), "TenantTag")


def _is_counted(name: str) -> bool:
    prefix, dash, number = name.partition("-")
    return bool(dash) and number.isdigit() and prefix in _COUNTED
