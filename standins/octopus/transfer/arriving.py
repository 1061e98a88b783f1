"""How an export arrives: shared things are matched by name, projects that are there already stay as they are.

"Shared resources are matched by name when importing": what is there is used, anything else is created, and some things
are merged (octopus.com/docs/projects/export-import).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from standins.octopus.api.slugs import unique_slug
from standins.octopus.behaviour.documents import listed, mapped, texts
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.transfer.bundle import Bundle
from standins.octopus.transfer.marks import replaced

#: Shared kinds with what they are called in a log, each before those that refer to it.
_SHARED = (
    ("TagSet", "tag set"),
    ("ProjectGroup", "project group"),
    ("DeploymentEnvironment", "environment"),
    ("Lifecycle", "lifecycle"),
    ("Feed", "feed"),
    ("WorkerPool", "worker pool"),
    ("Team", "team"),
    ("GitCredential", "Git credential"),
    ("Account", "account"),
    ("Certificate", "certificate"),
    ("ActionTemplate", "step template"),
    ("LibraryVariableSet", "library variable set"),
    ("Tenant", "tenant"),
)
_OWNED = ("Channel", "Runbook", "Release", "RunbookSnapshot")

#: Ids made of their owner's: kind and how they begin.
_DERIVED = ("VariableSet", "DeploymentProcess", "RunbookProcess", "DeploymentSettings")

#: Pictures lie in the artifacts folder of their instance and do not travel in the file.
_LEFT_BEHIND = ("Id", "Logo", "DataVersion")


class Arrival:
    """One import into one space, inside the caller's transaction. ``created`` and ``reused`` count by kind."""

    def __init__(
        self, server: Server, transaction: Transaction, space: str | None, bundle: Bundle, say: Callable[[str], None]
    ) -> None:
        self._server = server
        self._transaction = transaction
        self._space = space
        self._bundle = bundle
        self._say = say
        self._names: dict[str, str] = {}
        self._templates: dict[str, str] = {}
        self._new: list[tuple[str, Document]] = []
        self._merged: list[tuple[str, Document]] = []
        self.created: dict[str, int] = {}
        self.reused: dict[str, int] = {}
        self.skipped: list[str] = []

    def run(self) -> list[Document]:
        """The projects that are new, as they were written."""
        for kind, called in _SHARED:
            for document in self._bundle.of(kind).values():
                self._match(kind, called, document)
        self._projects()
        self._own()
        self._derive()
        for kind, document in self._new:
            stored = self._bundle.sealed_with(self._arrived(document), self._server.master_key)
            self._transaction.insert(kind, {**stored, "Id": self._names[document["Id"]]})
        self._merge()
        self._versions_of_templates()
        self._tenant_values()
        return [document for kind, document in self._written() if kind == "Project"]

    def _written(self) -> Iterable[tuple[str, Document]]:
        for kind, document in self._new:
            found = self._transaction.load(kind, self._names[document["Id"]])
            if found is not None:
                yield kind, found

    def _arrived(self, document: Document) -> Document:
        own = {name: value for name, value in document.items() if name not in _LEFT_BEHIND}
        arrived: Document = replaced(own, {**self._names, **self._templates})
        if "SpaceId" in document:
            arrived["SpaceId"] = self._space
        return arrived

    # -- matching ------------------------------------------------------------------------------------------------

    def _match(self, kind: str, called: str, document: Document) -> None:
        existing = self._existing(kind, document)
        if existing is not None:
            self._names[document["Id"]] = existing["Id"]
            self.reused[kind] = self.reused.get(kind, 0) + 1
            self._say(f"Using the {called} '{document['Name']}' that is already there")
            self._merged.append((kind, document))
            return
        self._create(kind, self._fresh(kind, document))
        self._say(f"Creating the {called} '{document['Name']}'")

    def _existing(self, kind: str, document: Document) -> Document | None:
        where: Document = {"Name": document["Name"]}
        if kind == "Feed" and document.get("FeedType") == "BuiltIn":
            where = {"FeedType": "BuiltIn"}
        spaces: list[str | None] = [self._space, None] if kind == "Team" else [self._space]
        found = self._transaction.query(kind, where=where, space=spaces)
        living = [item for item in found if not item.get("Archived")]
        return living[0] if living else None

    def _fresh(self, kind: str, document: Document) -> Document:
        """Teams arrive empty and so do worker pools (the same page); a pool that arrives is not the default one."""
        if kind == "Team":
            blank: Document = {"MemberUserIds": [], "ExternalSecurityGroups": [], "SpaceId": self._space}
            return {**document, **blank, "CanBeDeleted": True, "CanBeRenamed": True, "CanChangeRoles": True}
        return {**document, "IsDefault": False} if kind == "WorkerPool" else document

    def _create(self, kind: str, document: Document, document_id: str = "") -> None:
        self._names[document["Id"]] = document_id or self._transaction.new_id(kind)
        self._new.append((kind, document))
        self.created[kind] = self.created.get(kind, 0) + 1

    # -- projects and what is theirs -----------------------------------------------------------------------------

    def _projects(self) -> None:
        there = self._transaction.query("Project", space=self._space)
        names = {project["Name"].lower(): project["Id"] for project in there}
        slugs = {project["Slug"] for project in there}
        for project in self._bundle.of("Project").values():
            known = names.get(project["Name"].lower())
            if known is not None:
                self._names[project["Id"]] = known
                self.skipped.append(project["Name"])
                continue
            slug = project["Slug"] if project["Slug"] not in slugs else unique_slug(project["Name"], slugs)
            slugs.add(slug)
            self._create("Project", {**project, "Slug": slug})
            self._say(f"Creating the project '{project['Name']}'")

    def _own(self) -> None:
        new = {document["Id"] for kind, document in self._new if kind == "Project"}
        for kind in _OWNED:
            for document in self._bundle.of(kind).values():
                if document["ProjectId"] in new:
                    self._create(kind, document)

    def _derive(self) -> None:
        """Processes, variable sets and settings are named after their owners, frozen copies too.

        A frozen copy of a library set that is there already may have come with another project of the same source.
        """
        new = {document["Id"] for _, document in self._new}
        for kind in _DERIVED:
            for document in self._bundle.of(kind).values():
                owner = str(document.get("OwnerId") or document.get("ProjectId"))
                arrived = owner in self._names
                own_id = document["Id"].replace(owner, self._names.get(owner, owner), 1)
                frozen = arrived and document.get("IsFrozen") and self._is_wanted(document["Id"])
                if owner in new or (frozen and self._transaction.load(kind, own_id) is None):
                    self._create(kind, document, own_id)
                elif arrived:
                    self._names[document["Id"]] = own_id

    def _is_wanted(self, snapshot: str) -> bool:
        """Whether a release that arrives has this frozen copy of a set that was there already."""
        return any(snapshot in texts(document, "LibraryVariableSetSnapshotIds") for _, document in self._new)

    # -- merging -------------------------------------------------------------------------------------------------

    def _merge(self) -> None:
        merging = {"Tenant": self._merge_tenant, "LibraryVariableSet": self._merge_library, "TagSet": self._merge_tags}
        for kind, document in self._merged:
            existing = self._transaction.load(kind, self._names[document["Id"]])
            if kind in merging and existing is not None:
                merging[kind](existing, document)

    def _merge_tenant(self, existing: Document, document: Document) -> None:
        """ "the project/environment connections in the export will be merged into the existing tenant"."""
        connections = mapped(existing, "ProjectEnvironments")
        for project, environments in mapped(self._arrived(document), "ProjectEnvironments").items():
            connections[project] = list(dict.fromkeys([*connections.get(project, []), *environments]))
        self._transaction.update(
            "Tenant", {**existing, "ProjectEnvironments": connections, "ProjectIds": sorted(connections)}
        )

    def _merge_library(self, existing: Document, document: Document) -> None:
        """Variables that are missing are created; one with the same name and scopes is left untouched."""
        arriving = self._bundle.of("VariableSet").get(document["VariableSetId"])
        own = self._transaction.load("VariableSet", existing["VariableSetId"])
        if arriving is not None and own is not None:
            held = {_place(variable) for variable in listed(own, "Variables")}
            sealed = self._bundle.sealed_with(self._arrived(arriving), self._server.master_key)
            missing = [variable for variable in listed(sealed, "Variables") if _place(variable) not in held]
            if missing:
                variables = [*listed(own, "Variables"), *missing]
                self._transaction.update(
                    "VariableSet", {**own, "Variables": variables, "Version": int(own["Version"]) + 1}
                )
        named = {template["Name"].lower(): template["Id"] for template in listed(existing, "Templates")}
        added: list[Document] = []
        for template in listed(document, "Templates"):
            if template["Name"].lower() in named:
                self._templates[template["Id"]] = named[template["Name"].lower()]
            else:
                added.append(template)
        if added:
            templates = [*listed(existing, "Templates"), *added]
            self._transaction.update("LibraryVariableSet", {**existing, "Templates": templates})

    def _merge_tags(self, existing: Document, document: Document) -> None:
        held = {str(tag["Name"]).lower() for tag in listed(existing, "Tags")}
        missing = [tag for tag in listed(document, "Tags") if str(tag["Name"]).lower() not in held]
        if missing:
            self._transaction.update("TagSet", {**existing, "Tags": [*listed(existing, "Tags"), *missing]})

    def _versions_of_templates(self) -> None:
        """A template that is there gains the versions above its latest; a new one brings all of its own."""
        for document in self._bundle.of("ActionTemplateVersion").values():
            latest = self._bundle.of("ActionTemplate").get(document["LatestActionTemplateId"])
            if latest is None:
                continue
            held = self._transaction.query(
                "ActionTemplateVersion", where={"LatestActionTemplateId": self._names[latest["Id"]]}, space=self._space
            )
            if int(document["Version"]) not in {int(version["Version"]) for version in held}:
                sealed = self._bundle.sealed_with(self._arrived(document), self._server.master_key)
                self._transaction.insert("ActionTemplateVersion", sealed)
        for kind, document in self._merged:
            own = self._transaction.load(kind, self._names[document["Id"]]) if kind == "ActionTemplate" else None
            if own is not None and int(document["Version"]) > int(own["Version"]):
                sealed = self._bundle.sealed_with(self._arrived(document), self._server.master_key)
                self._transaction.update("ActionTemplate", {**own, **sealed, "Id": own["Id"], "Name": own["Name"]})

    def _tenant_values(self) -> None:
        """A value that the tenant has already is left untouched, as variables are."""
        projects = self._bundle.of("Project").values()
        skipped = {self._names[project["Id"]] for project in projects if project["Name"] in self.skipped}
        for document in self._bundle.of("TenantVariable").values():
            arrived = self._bundle.sealed_with(self._arrived(document), self._server.master_key)
            place = {name: arrived.get(name) for name in ("TenantId", "OwnerId", "EnvironmentId", "VariableTemplateId")}
            if place["OwnerId"] not in skipped and not self._transaction.count("TenantVariable", where=place):
                self._transaction.insert("TenantVariable", arrived)


def _place(variable: Document) -> tuple[object, ...]:
    scope = mapped(variable, "Scope")
    return (
        str(variable["Name"]).lower(),
        tuple(sorted((name, tuple(sorted(map(str, ids)))) for name, ids in scope.items() if ids)),
    )
