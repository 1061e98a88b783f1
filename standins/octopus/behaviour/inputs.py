"""Everything a Deploy or RunbookRun task works with, loaded once at its start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from standins.octopus.behaviour.documents import is_true, listed, mapped, text_of, texts
from standins.octopus.behaviour.plan import Place
from standins.octopus.behaviour.variables import Scope, Value, values_of
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.regressions import hooks


@dataclass(slots=True)
class Inputs:
    """``subject`` is the Deployment or RunbookRun; ``source`` the Release or RunbookSnapshot it came from."""

    kind: str  # Deployment or RunbookRun
    subject: Document
    source: Document
    project: Document
    environment: Document
    process: Document
    values: list[Value]
    machines: list[Document]
    place: Place
    guided_failure: bool
    tenant: Document | None = None
    channel: Document | None = None
    runbook: Document | None = None
    space: Document | None = None
    system: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def selected_packages(self) -> dict[tuple[str, str], str]:
        """(action, package reference) → version."""
        return {
            (entry.get("ActionName") or entry.get("StepName") or "", entry.get("PackageReferenceName") or ""): entry[
                "Version"
            ]
            for entry in listed(self.source, "SelectedPackages")
        }

    @property
    def what(self) -> str:
        """The subject as events call it: "Web release 1.0.3" or "runbook Tidy up"."""
        if self.runbook is not None:
            return f"{self.project['Name']} runbook {self.runbook['Name']}"
        return f"{self.project['Name']} release {self.source['Version']}"

    def scope(self) -> Scope:
        owner = self.runbook["Id"] if self.runbook else self.project["Id"]
        return Scope(
            environment=self.place.environment,
            channel=self.place.channel,
            tenant=self.place.tenant,
            tenant_tags=self.place.tenant_tags,
            process_owner=owner,
        )


def load(server: Server, transaction: Transaction, kind: str, subject_id: str) -> Inputs:
    subject = _required(transaction, kind, subject_id)
    is_deployment = kind == "Deployment"
    source = _required(
        transaction,
        "Release" if is_deployment else "RunbookSnapshot",
        subject["ReleaseId"] if is_deployment else subject["RunbookSnapshotId"],
    )
    project = _required(transaction, "Project", subject["ProjectId"])
    environment = _required(transaction, "DeploymentEnvironment", subject["EnvironmentId"])
    tenant = transaction.load("Tenant", subject["TenantId"]) if subject.get("TenantId") else None
    channel = transaction.load("Channel", source["ChannelId"]) if is_deployment and source.get("ChannelId") else None
    runbook = None if is_deployment else _required(transaction, "Runbook", subject["RunbookId"])
    process = (
        _required(transaction, "DeploymentProcess", source["ProjectDeploymentProcessSnapshotId"])
        if is_deployment
        else _required(transaction, "RunbookProcess", source["FrozenRunbookProcessId"])
    )
    place = Place(
        environment=environment["Id"],
        channel=channel["Id"] if channel else None,
        tenant=tenant["Id"] if tenant else None,
        tenant_tags=frozenset(texts(tenant, "TenantTags")) if tenant else frozenset(),
        specific_machines=frozenset(texts(subject, "SpecificMachineIds")),
        excluded_machines=frozenset(texts(subject, "ExcludedMachineIds")),
    )
    machines = transaction.query("Machine", contains={"EnvironmentIds": environment["Id"]}, order_by="Name")
    space = transaction.load("Space", subject["SpaceId"]) if subject.get("SpaceId") else None
    inputs = Inputs(
        kind,
        subject,
        source,
        project,
        environment,
        process,
        _prompted(snapshot_values(transaction, source), subject),
        machines,
        place,
        bool(subject.get("UseGuidedFailure")),
        tenant,
        channel,
        runbook,
        space,
    )
    inputs.values.extend(tenant_values(transaction, project, tenant, environment["Id"]))
    inputs.values = hooks.adjust("loaded values", inputs.values, inputs)
    inputs.system.update(system_variables(server, inputs))
    return inputs


def snapshot_values(transaction: Transaction, source: Mapping[str, Any]) -> list[Value]:
    """The values frozen with a release or runbook snapshot: the project's set and the library sets'."""
    project_set = source.get("ProjectVariableSetSnapshotId") or source.get("FrozenProjectVariableSetId")
    libraries = texts(source, "LibraryVariableSetSnapshotIds")
    found = {
        entry["Id"]: entry for entry in transaction.load_many("VariableSet", [*filter(None, [project_set]), *libraries])
    }
    values = values_of(found[project_set]) if project_set in found else []
    for library in libraries:
        if library in found:
            values.extend(values_of(found[library], library=True))
    return values


def tenant_values(
    transaction: Transaction, project: Document, tenant: Document | None, environment: str
) -> list[Value]:
    """Values of variable templates: the tenant's own, else the template's default."""
    libraries = transaction.load_many("LibraryVariableSet", texts(project, "IncludedLibraryVariableSetIds"))
    templates = {template["Id"]: template for owner in (project, *libraries) for template in listed(owner, "Templates")}
    if not templates or tenant is None:
        return []
    own = {
        entry["VariableTemplateId"]: entry
        for entry in transaction.query("TenantVariable", where={"TenantId": tenant["Id"]})
        if entry.get("EnvironmentId") in (None, "", environment)
    }
    values: list[Value] = []
    for template in templates.values():
        held = own.get(template["Id"])
        raw = held.get("Value") if held is not None else template.get("DefaultValue")
        sensitive = is_sensitive_template(template)
        text = mapped({"v": raw}, "v").get("SensitiveValue") if isinstance(raw, dict) else raw
        if text is not None:
            scope = {"Tenant": [tenant["Id"]]} if held is not None else {}
            values.append(Value(template["Name"], text, "Sensitive" if sensitive else "String", scope))
    return values


def is_sensitive_template(template: Mapping[str, Any]) -> bool:
    return mapped(template, "DisplaySettings").get("Octopus.ControlType") == "Sensitive"


def _prompted(values: Iterable[Value], subject: Document) -> list[Value]:
    """What the person typed into the form takes the place of the stored value; keys are the variables' ids."""
    given = mapped(subject, "FormValues")
    return [
        replace(value, value=str(given[value.id])) if value.prompt and given.get(value.id) is not None else value
        for value in values
    ]


def system_variables(server: Server, inputs: Inputs) -> dict[str, str]:
    """The names a step may ask for without anyone defining them (Octopus docs, "System variables")."""
    subject, source = inputs.subject, inputs.source
    values = {
        "Octopus.Environment.Id": inputs.environment["Id"],
        "Octopus.Environment.Name": inputs.environment["Name"],
        "Octopus.Environment.SortOrder": str(inputs.environment.get("SortOrder", 0)),
        "Octopus.Project.Id": inputs.project["Id"],
        "Octopus.Project.Name": inputs.project["Name"],
        "Octopus.ProjectGroup.Id": inputs.project["ProjectGroupId"],
        "Octopus.Task.Id": subject["TaskId"],
        "Octopus.Deployment.Comments": subject.get("Comments") or "",
        "Octopus.Deployment.Created": subject["Created"],
        "Octopus.Deployment.CreatedBy.Username": subject.get("DeployedBy") or "",
        "Octopus.Server.NodeName": server.node_name,
        "Octopus.Web.ProjectLink": f"/app#/projects/{inputs.project['Id']}",
    }
    if inputs.kind == "Deployment":
        values["Octopus.Deployment.Id"] = subject["Id"]
        values["Octopus.Deployment.Name"] = subject["Name"]
        values["Octopus.Release.Id"] = source["Id"]
        values["Octopus.Release.Number"] = source["Version"]
        values["Octopus.Release.Notes"] = source.get("ReleaseNotes") or ""
        values["Octopus.Release.Created"] = source["Assembled"]
    else:
        values["Octopus.RunbookRun.Id"] = subject["Id"]
        values["Octopus.RunbookRun.Name"] = subject["Name"]
        values["Octopus.RunbookSnapshot.Id"] = source["Id"]
        values["Octopus.RunbookSnapshot.Name"] = source["Name"]
    if inputs.runbook:
        values["Octopus.Runbook.Id"] = inputs.runbook["Id"]
        values["Octopus.Runbook.Name"] = inputs.runbook["Name"]
    if inputs.channel:
        values["Octopus.Release.Channel.Id"] = inputs.channel["Id"]
        values["Octopus.Release.Channel.Name"] = inputs.channel["Name"]
    if inputs.tenant:
        values["Octopus.Deployment.Tenant.Id"] = inputs.tenant["Id"]
        values["Octopus.Deployment.Tenant.Name"] = inputs.tenant["Name"]
        values["Octopus.Deployment.Tenant.Tags"] = ",".join(texts(inputs.tenant, "TenantTags"))
    if inputs.space:
        values["Octopus.Space.Id"] = inputs.space["Id"]
        values["Octopus.Space.Name"] = inputs.space["Name"]
    return values


def machine_variables(machine: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Octopus.Machine.Id": machine["Id"],
        "Octopus.Machine.Name": machine["Name"],
        "Octopus.Machine.Roles": ",".join(texts(machine, "Roles")),
    }


def guided_failure_mode(project: Mapping[str, Any], environment: Mapping[str, Any], asked: Any) -> bool:
    """What the caller asked for; else the project's mode; else the environment's."""
    if asked is not None:
        return is_true(asked)
    mode = text_of(project.get("DefaultGuidedFailureMode"))
    return bool(environment.get("UseGuidedFailure")) if mode in {"", "EnvironmentDefault"} else mode == "On"


def _required(transaction: Transaction, kind: str, document_id: str) -> Document:
    document = transaction.load(kind, document_id)
    if document is None:
        raise LookupError(f"The {kind} '{document_id}' no longer exists.")
    return document
