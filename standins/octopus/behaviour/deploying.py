"""Carries out a deployment or a runbook run: step by step, action by action, target by target.

It can stop in the middle for a person's answer and go on later, on any node: what was done is kept in the task's
``Progress``. Steps marked "start with previous" run one after the other here; only their timing differs from the
product.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standins.octopus.behaviour import actions, inputs, interruptions
from standins.octopus.behaviour.actions import ActionFailed
from standins.octopus.behaviour.activity import Activity
from standins.octopus.behaviour.dispatcher import Running, TaskFailed, TaskPaused
from standins.octopus.behaviour.documents import mapped, text_of
from standins.octopus.behaviour.inputs import Inputs
from standins.octopus.behaviour.plan import PlannedAction, PlannedStep, plan
from standins.octopus.behaviour.substitution import Variables
from standins.octopus.behaviour.variables import evaluate
from standins.octopus.contract import Document
from standins.octopus.regressions import hooks


@dataclass(slots=True)
class Progress:
    """What the task must remember across a pause. Keys are ``<action>`` or ``<action>@<machine>``."""

    done: list[str] = field(default_factory=list[str])
    failed: bool = False
    error: str = ""
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    #: Sensitive output variables, encrypted with the master key: a pause writes them to the database.
    sealed_outputs: dict[str, str] = field(default_factory=dict[str, str])
    nodes: dict[str, str] = field(default_factory=dict[str, str])
    excluded: list[str] = field(default_factory=list[str])
    deployed: list[str] = field(default_factory=list[str])
    #: The interruption that was raised, by key of the action that waits for it.
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, task: Document) -> Progress:
        return cls(**mapped(task, "Progress"))

    def stored(self) -> dict[str, Any]:
        return {name: copy.copy(getattr(self, name)) for name in self.__slots__}


class Deploying:
    """One run of the task: from the start, or from where it paused."""

    def __init__(self, running: Running, loaded: Inputs) -> None:
        self.running = running
        self.server = running.server
        self.inputs = loaded
        self.progress = Progress.of(running.task)
        self.steps = plan(loaded.process, loaded.place, loaded.machines, loaded.subject.get("SkipActions") or ())
        self._secrets = [value.value for value in loaded.values if value.sensitive and value.value]
        self._plain = {secret: self.server.master_key.decrypt(secret) for secret in self._secrets}
        running.log.mask(self._plain.values())

    @property
    def resumed(self) -> bool:
        return bool(self.progress.nodes)

    def run(self) -> None:
        log = self.running.log
        if not self.resumed:
            log.verbose(
                "Guided failure is enabled for this task"
                if self.inputs.guided_failure
                else "Guided failure is not enabled for this task"
            )
        if not self.steps:
            log.warning("There are no steps to run in this environment and channel.")
        self._check_targets()
        self._acquire()
        for step in self.steps:
            self._step(step)
        if self.progress.failed:
            raise TaskFailed(
                self.progress.error
                or "The deployment failed because one or more steps failed. Please see the deployment log for details."
            )
        log.info("The deployment completed successfully.")

    def _check_targets(self) -> None:
        """Without any target for any role, a project fails here unless it says it may be deployed to none."""
        aimed = [action for step in self.steps for action in step.actions if action.roles]
        if not aimed or not all(action.lacks_machines for action in aimed):
            return
        policy = mapped(self.inputs.runbook or self.inputs.project, "ConnectivityPolicy") or mapped(
            self.inputs.project, "ProjectConnectivityPolicy"
        )
        if not policy.get("AllowDeploymentsToNoTargets"):
            raise TaskFailed(
                "The deployment failed because there are no deployment targets in the environment "
                f"{self.inputs.environment['Name']} for the roles of its steps."
            )

    # -- packages ------------------------------------------------------------------------------------------------

    def _acquire(self) -> None:
        wanted = actions.packages_needed(self)
        if not wanted or "acquire" in self.progress.done:
            return
        log = self._node("acquire", "Acquire packages")
        try:
            log.info("Making a list of packages to download")
            for package in wanted:
                actions.acquire(self, package, log)
        except ActionFailed as problem:
            log.fatal(str(problem))
            log.finish("Failed")
            raise TaskFailed(str(problem)) from None
        log.finish()
        self.progress.done.append("acquire")

    # -- steps ---------------------------------------------------------------------------------------------------

    def _step(self, step: PlannedStep) -> None:
        keys = [key for action in step.actions for key in self._keys(action)]
        if keys and all(key in self.progress.done for key in keys):
            return
        log = self._node(step.step["Id"], f"Step {step.number}: {step.name}")
        skip = hooks.adjust("reason to skip", self._reason_to_skip(step))
        if skip:
            log.verbose(skip)
            log.finish("Skipped")
            self.progress.done.extend(keys)
            return
        machines = self._rolling_machines(step)
        failed = False
        if machines and len(step.actions) > 1:
            # A rolling deployment takes one target through all child steps before the next target.
            for machine in machines:
                failed = self._actions(step, log, [machine]) or failed
        else:
            failed = self._actions(step, log, None)
        log.finish("Failed" if failed else "")

    def _actions(self, step: PlannedStep, log: Activity, machines: list[Mapping[str, Any]] | None) -> bool:
        """Whether anything failed. ``machines`` narrows a rolling step to the target whose turn it is."""
        failed = False
        for action in step.actions:
            own = log if len(step.actions) == 1 else self._node(action.id, f"{action.number}: {action.name}", log)
            targets = actions.targets(action) if machines is None or not action.machines else machines
            if action.lacks_machines:
                own.warning(f"Skipping this step as no targets were found in the role(s) {', '.join(action.roles)}.")
                self.progress.done.extend(key for key in self._keys(action) if key not in self.progress.done)
                continue
            for machine in targets:
                if failed and machines is not None:
                    break
                failed = self._action(action, machine, own) or failed
            if own is not log and all(key in self.progress.done for key in self._keys(action)):
                own.finish("Failed" if failed else "")
        return failed

    def _action(self, action: PlannedAction, machine: Mapping[str, Any] | None, step_log: Activity) -> bool:
        """Do one action on one target (or on the server); True when it failed for good."""
        key = f"{action.id}@{machine['Id']}" if machine else action.id
        if key in self.progress.done or (machine and machine["Id"] in self.progress.excluded):
            return False
        self.running.check_cancelled()
        log = self._node(key, machine["Name"] if machine else "Octopus Server", step_log)
        waiting = self.progress.waiting.pop(key, None)
        if waiting is not None and self._answered(key, waiting, action, machine, log):
            return False
        try:
            actions.perform(self, action, machine, log, waiting)
        except ActionFailed as problem:
            step_log.warned = True
            log.fatal(str(problem))
            if self.inputs.guided_failure:
                self._ask_guidance(key, action, machine, log, str(problem))
            self._give_up(key, log, action)
            return True
        log.finish()
        step_log.warned = step_log.warned or log.warned
        self.running.log.warned = self.running.log.warned or log.warned
        self.progress.done.append(key)
        if machine and machine["Id"] not in self.progress.deployed:
            self.progress.deployed.append(machine["Id"])
        return False

    def _answered(
        self, key: str, interruption: str, action: PlannedAction, machine: Mapping[str, Any] | None, log: Activity
    ) -> bool:
        """React to the answer to a guided failure; True when the action is settled without another try."""
        guidance = interruptions.answer(self.server, interruption).get("Guidance")
        if guidance is None or guidance == "Retry":
            return False
        if guidance in {"Ignore", "Exclude"}:
            log.warning(f"The failure was settled with guidance: {guidance}")
            if guidance == "Exclude" and machine:
                self.progress.excluded.append(machine["Id"])
            log.finish("SuccessWithWarning")
            self.progress.done.append(key)
            return True
        log.error("The deployment was failed by guidance.")
        self._give_up(key, log, action)
        raise TaskFailed("The deployment was failed by a person who answered the guided failure.")

    def _give_up(self, key: str, log: Activity, action: PlannedAction) -> None:
        log.finish("Failed")
        self.progress.failed = True
        self.progress.error = self.progress.error or (
            f"The step {action.name} failed. The deployment failed because one or more steps failed. "
            "Please see the deployment log for details."
        )
        self.progress.done.append(key)

    def _ask_guidance(
        self, key: str, action: PlannedAction, machine: Mapping[str, Any] | None, log: Activity, problem: str
    ) -> None:
        title = f"{action.name} failed" + (f" on {machine['Name']}" if machine else "")
        question = interruptions.Question(self.inputs, self.running.task, title, log.id, machine=machine)
        interruption = interruptions.raise_guided_failure(self.server, question, problem)
        self.pause(key, interruption)

    def pause(self, key: str, interruption_id: str) -> None:
        """Hand the task back until somebody answers."""
        self.progress.waiting[key] = interruption_id
        raise TaskPaused(self.progress.stored())

    # -- conditions ----------------------------------------------------------------------------------------------

    def _reason_to_skip(self, step: PlannedStep) -> str:
        condition = text_of(step.step.get("Condition")) or "Success"
        failed = self.progress.failed
        if condition == "Success" and failed:
            return "Skipping this step as a previous step failed."
        if condition == "Failure" and not failed:
            return "Skipping this step as no previous step failed."
        if condition == "Variable":
            expression = text_of(mapped(step.step, "Properties").get("Octopus.Step.ConditionVariableExpression"))
            variables = self.variables(None, None)
            if not variables.truthy(variables.resolve(expression)):
                return "Skipping this step as its run condition evaluated to false."
        return ""

    # -- values --------------------------------------------------------------------------------------------------

    def variables(self, action: PlannedAction | None, machine: Mapping[str, Any] | None) -> Variables:
        """Everything an action may ask for here.

        Variables in scope, outputs, the action's properties, system values.
        """
        scope = self.inputs.scope()
        if action is not None:
            scope = scope.at(action=action.id, step_roles=action.roles)
        winners = evaluate(hooks.adjust("values", self.inputs.values, self.inputs), scope.on(machine))
        values: dict[str, str | None] = {
            name: self._plain[value.value] if value.sensitive and value.value else value.value
            for name, value in winners.items()
        }
        values.update(self.inputs.system)
        values.update(self.progress.outputs)
        values.update(
            {name: self.server.master_key.decrypt(text) for name, text in self.progress.sealed_outputs.items()}
        )
        if self.progress.failed:
            values["Octopus.Deployment.Error"] = self.progress.error
        if machine is not None:
            values.update(inputs.machine_variables(machine))
        if action is not None:
            values.update(self._action_values(action))
        return Variables(values)

    def _action_values(self, action: PlannedAction) -> dict[str, str]:
        values = {
            "Octopus.Action.Id": action.id,
            "Octopus.Action.Name": action.name,
            "Octopus.Action.Number": action.number,
        }
        for name, value in mapped(action.action, "Properties").items():
            secret = mapped({"v": value}, "v").get("SensitiveValue")
            if secret:
                values[name] = self.server.master_key.decrypt(secret)
                self.running.log.mask([values[name]])
            elif isinstance(value, str) and name != "Octopus.Action.Script.ScriptBody":
                values[name] = value
        return values

    def set_output(
        self, action: PlannedAction, machine: Mapping[str, Any] | None, name: str, value: str, *, sensitive: bool
    ) -> None:
        names = [f"Octopus.Action[{action.name}].Output.{name}"]
        if machine:
            names.append(f"Octopus.Action[{action.name}].Output[{machine['Name']}].{name}")
        if sensitive:
            self.running.log.mask([value])
            self.progress.sealed_outputs.update(dict.fromkeys(names, self.server.master_key.encrypt(value)))
        else:
            self.progress.outputs.update(dict.fromkeys(names, value))

    # -- small things --------------------------------------------------------------------------------------------

    def _keys(self, action: PlannedAction) -> list[str]:
        return [f"{action.id}@{machine['Id']}" if machine else action.id for machine in actions.targets(action)]

    def _rolling_machines(self, step: PlannedStep) -> list[Mapping[str, Any]]:
        seen: dict[str, Mapping[str, Any]] = {}
        for action in step.actions:
            seen.update({machine["Id"]: machine for machine in action.machines})
        return list(seen.values())

    def _node(self, key: str, name: str, parent: Activity | None = None) -> Activity:
        """The log node of a step or action; after a pause the one it had."""
        node = (parent or self.running.log).child(name, self.progress.nodes.get(key, ""))
        self.progress.nodes[key] = node.id
        return node

    def work_folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="octopus-work-")

    def extraction_folder(self, work: Path, package: str) -> Path:
        return work / "Applications" / self.inputs.environment["Name"] / package
