"""What each kind of action does on a target or on the server.

Scripts and packages really run; an action that needs a cloud, Windows or a Tentacle fails with a message that says so.
Types: the ActionType values of OctopusClients' step builders and of recorded processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from standins.octopus.behaviour import artifacts, child_release, interruptions, package_store, shell
from standins.octopus.behaviour.activity import Activity
from standins.octopus.behaviour.documents import is_true, listed, mapped, text_of
from standins.octopus.behaviour.plan import PackageUse, PlannedAction, packages_of
from standins.octopus.behaviour.substitution import CircularReference, Variables
from standins.octopus.regressions import hooks

if TYPE_CHECKING:
    from standins.octopus.behaviour.deploying import Deploying


class ActionFailed(Exception):
    """One action on one target did not work; the details are in the log."""


#: Targets the server itself plays: a cloud region has no agent, an offline drop is filled on the server.
_PLAYED_BY_SERVER = frozenset({"None", "OfflineDrop"})


@dataclass(frozen=True, slots=True)
class Job:
    """One action on one target."""

    run: Deploying
    action: PlannedAction
    machine: Mapping[str, Any] | None
    log: Activity
    variables: Variables
    key: str

    @property
    def properties(self) -> dict[str, Any]:
        return mapped(self.action.action, "Properties")

    def text(self, name: str) -> str:
        return self.variables.resolve(text_of(self.properties.get(name)))


def targets(action: PlannedAction) -> Sequence[Mapping[str, Any] | None]:
    """One job a machine; None stands for the server."""
    return action.machines if action.roles and action.machines else (None,)


def perform(
    run: Deploying,
    action: PlannedAction,
    machine: Mapping[str, Any] | None,
    log: Activity,
    answered: str | None,
) -> None:
    """``answered``: the interruption this action waited for, once somebody submitted it."""
    variables = run.variables(action, machine)
    key = f"{action.id}@{machine['Id']}" if machine else action.id
    job = Job(run, action, machine, log, variables, key)
    if machine is not None and not action.on_server:
        reach(machine, log)
    kind = action.action["ActionType"]
    if kind == "Octopus.Manual":
        _manual(job, answered)
        return
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise ActionFailed(
            f"This server cannot carry out actions of type {kind}: "
            "there is nothing here that such a step could deploy to."
        )
    try:
        handler(job)
    except CircularReference as problem:
        raise ActionFailed(f"Variables refer to each other without end: {problem}") from problem


def reach(machine: Mapping[str, Any], log: Activity) -> None:
    style = machine.get("CommunicationStyle") or mapped(machine, "Endpoint").get("CommunicationStyle")
    if style not in _PLAYED_BY_SERVER:
        log.verbose(f"Opening a connection of style {style} to {machine['Name']}")
        raise ActionFailed(
            f"The deployment target {machine['Name']} could not be contacted: there is no {style} agent to reach."
        )
    if style == "OfflineDrop":
        log.verbose("Writing the offline drop on the server")


# -- scripts -----------------------------------------------------------------------------------------------------


def _script(job: Job) -> None:
    with job.run.work_folder() as name:
        work = Path(name)
        if job.text("Octopus.Action.Script.ScriptSource") == "Package":
            body, syntax = _script_of_package(job, work)
        else:
            syntax = job.text("Octopus.Action.Script.Syntax") or "PowerShell"
            body = job.variables.resolve(text_of(job.properties.get("Octopus.Action.Script.ScriptBody")))
        _additional_packages(job, work)
        run_script(job, body, syntax, work, job.text("Octopus.Action.Script.ScriptParameters"))


def run_script(job: Job, body: str, syntax: str, work: Path, arguments: str = "") -> None:
    hooks.tell("server script", syntax)
    if syntax != "Bash":
        raise ActionFailed(f"The script is written in {syntax}, and there is no interpreter for it on this server.")
    values = {name: value for name in job.variables.names if (value := job.variables.get(name)) is not None}
    result = shell.run_bash(
        _modules(job) + body, values, work, job.log.line, cancelled=job.run.running.cancelled, arguments=arguments
    )
    job.run.running.check_cancelled()
    for output, (value, sensitive) in result.outputs.items():
        job.log.verbose(f'Setting output variable "{output}"')
        job.run.set_output(job.action, job.machine, output, value, sensitive=sensitive)
    for path, artifact in result.artifacts:
        _collect(job, path, artifact)
    if result.exit_code != 0:
        raise ActionFailed(result.message or f"The remote script failed with exit code {result.exit_code}")


def _modules(job: Job) -> str:
    """Bash script modules of the project's library sets come before every script."""
    prefix = "Octopus.Script.Module["
    bodies: list[str] = []
    for name in job.variables.names:
        if name.startswith(prefix):
            module = name.removeprefix(prefix).rstrip("]")
            if (job.variables.get(f"Octopus.Script.Module.Language[{module}]") or "PowerShell") == "Bash":
                bodies.append(job.variables.get(name) or "")
    return "\n".join([*bodies, ""])


def _collect(job: Job, path: Path, name: str) -> None:
    if not path.is_file():
        raise ActionFailed(f"The artifact {path.name} was not found.")
    artifacts.collect(
        job.run.server,
        job.run.inputs,
        job.run.running.task,
        name,
        path.read_bytes(),
        machine=job.machine,
        correlation=job.log.id,
    )
    job.log.info(f"Collected artifact {name}")


def _script_of_package(job: Job, work: Path) -> tuple[str, str]:
    uses = packages_of(job.action.action)
    if not uses:
        raise ActionFailed("The script comes from a package, and the step names none.")
    folder = work / "package"
    package_store.extract(_file_of(job.run, uses[0], job.variables), folder)
    wanted = job.text("Octopus.Action.Script.ScriptFileName")
    path = (folder / wanted).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ActionFailed(f"The package has no file {wanted}.")
    syntax = "Bash" if path.suffix == ".sh" else path.suffix.lstrip(".") or "an unknown language"
    return job.variables.resolve(path.read_text(encoding="utf-8")), syntax


def _additional_packages(job: Job, work: Path) -> None:
    """Named package references lie unpacked beside the script, under the reference's name."""
    for use in packages_of(job.action.action):
        if use.reference:
            package_store.extract(_file_of(job.run, use, job.variables), work / use.reference)


# -- packages ----------------------------------------------------------------------------------------------------


def packages_needed(run: Deploying) -> list[tuple[PlannedAction, PackageUse, str]]:
    """(action, package, version) for everything this run must fetch from the built-in feed."""
    selected = run.inputs.selected_packages
    return [
        (action, use, selected.get((action.name, use.reference), ""))
        for step in run.steps
        for action in step.actions
        for use in packages_of(action.action)
        if action.action["ActionType"] != "Octopus.DeployRelease"
    ]


def acquire(run: Deploying, wanted: tuple[PlannedAction, PackageUse, str], log: Activity) -> None:
    action, use, version = wanted
    package_id = run.variables(action, None).resolve(use.package_id)
    if not version:
        raise ActionFailed(f"The release has no version of package {package_id} for the step {action.name}.")
    if not use.feed_id.lower().startswith("feeds-builtin") and use.feed_id != _built_in(run):
        log.verbose(f"Package {package_id} {version} will be fetched from feed {use.feed_id} by its step")
        return
    path = _file_of(run, use, run.variables(action, None))
    log.info(f"Package {package_id} version {version} successfully downloaded from feed: 'Octopus Server (built-in)'")
    log.verbose(f"SHA1 hash and size of {path.name}: {path.stat().st_size} bytes")


def _built_in(run: Deploying) -> str:
    with run.server.store.transaction() as transaction:
        return package_store.built_in_feed_id(run.server, transaction, run.inputs.subject.get("SpaceId"))


def _file_of(run: Deploying, use: PackageUse, variables: Variables) -> Path:
    package_id = variables.resolve(use.package_id)
    version = run.inputs.selected_packages.get((use.action["Name"], use.reference), "")
    space = run.inputs.subject.get("SpaceId")
    with run.server.store.transaction() as transaction:
        document = package_store.find(transaction, package_id, version, space)
        feed = package_store.built_in_feed_id(run.server, transaction, space)
    if document is None:
        raise ActionFailed(f"Package {package_id} version {version} could not be found in the built-in feed.")
    path = package_store.path_of(run.server, document, feed)
    if not path.is_file():
        raise ActionFailed(f"Package {package_id} version {version} is in the index but its file is missing.")
    return path


def _package(job: Job) -> None:
    uses = packages_of(job.action.action)
    if not uses:
        raise ActionFailed("The step has no package.")
    version = job.run.inputs.selected_packages.get((job.action.name, uses[0].reference), "")
    with job.run.work_folder() as name:
        work = Path(name)
        folder = job.run.extraction_folder(work, f"{uses[0].package_id}/{version}")
        count = package_store.extract(_file_of(job.run, uses[0], job.variables), folder)
        job.log.info(f"Extracted {count} files")
        job.run.set_output(job.action, job.machine, "Package.InstallationDirectoryPath", str(folder), sensitive=False)
        _substitute_in_files(job, folder)
        for stage in ("PreDeploy", "Deploy", "PostDeploy"):
            _stage(job, stage, folder, work)


def _substitute_in_files(job: Job, folder: Path) -> None:
    if not is_true(job.properties.get("Octopus.Action.SubstituteInFiles.Enabled")):
        return
    for pattern in job.text("Octopus.Action.SubstituteInFiles.TargetFiles").splitlines():
        for path in folder.glob(pattern.strip()) if pattern.strip() else ():
            job.log.verbose(f"Performing variable substitution on '{path.relative_to(folder)}'")
            path.write_text(job.variables.resolve(path.read_text(encoding="utf-8")), encoding="utf-8")


def _stage(job: Job, stage: str, folder: Path, work: Path) -> None:
    """A custom script of the step, else a script of that name in the package."""
    body = text_of(job.properties.get(f"Octopus.Action.CustomScripts.{stage}.sh"))
    in_package = folder / f"{stage}.sh"
    if not body and in_package.is_file():
        body = in_package.read_text(encoding="utf-8")
    if body:
        scripts = work / stage
        scripts.mkdir()
        job.log.verbose(f"Running {stage}.sh")
        run_script(job, job.variables.resolve(body), "Bash", scripts)


def _transfer(job: Job) -> None:
    uses = packages_of(job.action.action)
    if not uses:
        raise ActionFailed("The step has no package.")
    path = _file_of(job.run, uses[0], job.variables)
    job.log.info(f"Transferred {path.name} to {job.text('Octopus.Action.Package.TransferPath') or 'the target'}")


# -- people, mail, other projects --------------------------------------------------------------------------------


def _manual(job: Job, answered: str | None) -> None:
    if answered is None:
        instructions = job.text("Octopus.Action.Manual.Instructions")
        teams = [
            team.strip() for team in job.text("Octopus.Action.Manual.ResponsibleTeamIds").split(",") if team.strip()
        ]
        question = interruptions.Question(job.run.inputs, job.run.running.task, job.action.name, job.log.id, teams)
        interruption = interruptions.raise_manual(job.run.server, question, instructions)
        job.log.wait("Waiting for manual intervention")
        job.run.pause(job.key, interruption)
        return
    values = interruptions.answer(job.run.server, answered)
    if values.get("Notes"):
        job.log.info(f"Notes: {values['Notes']}")
    if values.get("Result") == "Abort":
        raise ActionFailed("The deployment was aborted by a manual intervention.")
    job.log.info("Manual intervention was completed: Proceed")
    for name, value in values.items():
        job.run.set_output(job.action, None, f"Manual.{name}", value or "", sensitive=False)


def _email(job: Job) -> None:
    with job.run.server.store.transaction() as transaction:
        configured = transaction.load("Configuration", "smtp") or {}
    if not configured.get("SmtpHost"):
        raise ActionFailed("The email could not be sent: SMTP is not configured on this server.")
    raise ActionFailed(f"The mail server {configured['SmtpHost']} could not be contacted.")


def _deploy_release(job: Job) -> None:
    uses = packages_of(job.action.action)
    project = job.text("Octopus.Action.DeployRelease.ProjectId") or (uses[0].package_id if uses else "")
    version = next(
        (
            entry["Version"]
            for entry in listed(job.run.inputs.source, "SelectedPackages")
            if job.action.name in {entry.get("ActionName"), entry.get("StepName")}
        ),
        "",
    )
    condition = job.text("Octopus.Action.DeployRelease.DeploymentCondition") or "Always"
    outcome = child_release.deploy(job.run.running, job.run.inputs, project, version, job.log, condition=condition)
    if outcome:
        raise ActionFailed(outcome)


_HANDLERS: dict[str, Callable[[Job], None]] = {
    "Octopus.Script": _script,
    "Octopus.TentaclePackage": _package,
    "Octopus.TransferPackage": _transfer,
    "Octopus.Email": _email,
    "Octopus.DeployRelease": _deploy_release,
}
