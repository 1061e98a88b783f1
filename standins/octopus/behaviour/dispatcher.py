"""The task queue of a running server: threads that take queued tasks, one task a thread.

A task is picked up when the node is not draining, has a free slot, the space's queue is not stopped, its time has
come and no task with the same concurrency tag runs (one deployment per project, environment and tenant). ``wake``
makes the dispatcher look at once; besides, it looks every second for what other nodes or the ``Octopus.Server``
command line queued.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from standins.octopus.behaviour import activity, events, task_logs, tasks
from standins.octopus.behaviour.moments import moment
from standins.octopus.contract import Document, Server, Transaction
from standins.octopus.regressions import hooks

#: How long the dispatcher sleeps when nothing wakes it.
POLL_SECONDS = 1.0

_PROBLEMS = logging.getLogger("octopus.tasks")


class TaskFailed(Exception):
    """The task ends as Failed with this message; its details are in its log already."""


class TaskPaused(Exception):
    """The task waits for a person. ``progress`` is what it needs to know when it goes on."""

    def __init__(self, progress: Mapping[str, object]) -> None:
        super().__init__("waiting for an interruption")
        self.progress = progress


class TaskCanceled(Exception):
    """Someone asked for the task to stop, and it did."""


class Running:
    """One task on its thread, as the runner sees it."""

    def __init__(self, server: Server, task: Document, log: activity.Activity, cancelled: threading.Event) -> None:
        self.server = server
        self.task = task
        self.log = log
        self.cancelled = cancelled
        #: Called with the transaction that writes the terminal state, so that task and subject change together.
        self.closing: list[Callable[[Transaction, str], None]] = []

    def check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise TaskCanceled


Runner = Callable[[Running], None]


class Engine:
    """Implements ``contract.TaskEngine``."""

    def __init__(self, server: Server, runners: Mapping[str, Runner], chores: Callable[[], float]) -> None:
        """``chores`` does what is due by the clock (triggers, subscriptions) and says when to call it again."""
        self._server = server
        self._runners = runners
        self._chores = chores
        self._changed = threading.Condition()
        self._woken = False
        self._stopping = False
        self._scheduling, self._look_now = True, False
        self._running: dict[str, _Slot] = {}
        self._node_id = ""
        self._threads = [
            threading.Thread(target=self._dispatch_loop, name="task-dispatcher", daemon=True),
            threading.Thread(target=self._chores_loop, name="task-scheduler", daemon=True),
        ]

    def start(self) -> None:
        with self._server.store.transaction() as transaction:
            self._node_id = node_id(self._server, transaction)
            self._fail_lost(transaction)
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def cancel(self, task_id: str) -> None:
        self._stop_if_running(task_id)
        self.wake()

    @property
    def is_scheduling(self) -> bool:
        return self._scheduling

    def schedule(self, *, on: bool) -> None:
        with self._changed:
            self._scheduling, self._look_now = on, on
            self._changed.notify_all()

    def stop(self) -> None:
        """No new tasks; running ones are told to stop and their last words are awaited."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            slots = list(self._running.values())
        for slot in slots:
            slot.cancelled.set()
        for thread in [*self._threads, *(slot.thread for slot in slots)]:
            thread.join(timeout=15)

    # -- the dispatcher ------------------------------------------------------------------------------------------

    def _dispatch_loop(self) -> None:
        while True:
            with self._changed:
                if not self._woken and not self._stopping:
                    self._changed.wait(POLL_SECONDS)
                self._woken = False
                if self._stopping:
                    return
                busy = set(self._running)
            try:
                self._dispatch(busy)
            except Exception:  # noqa: BLE001 - the database may be away for a while; the next look tries again
                _PROBLEMS.exception("The task dispatcher could not look at the queue")

    def _dispatch(self, busy: set[str]) -> None:
        server = self._server
        with server.store.transaction() as transaction:
            waiting = transaction.query(
                "ServerTask", where={"State": ["Queued", "Executing", "Cancelling"]}, order_by="QueueTime"
            )
            ready = self._ready(transaction, waiting, busy)
            started = tasks.claim(server, transaction, [task["Id"] for task in ready], self._node_id)
            answered = [
                task["Id"]
                for task in waiting
                if task["State"] in {"Executing", "Cancelling"}
                and not task["ServerNodeId"]
                and not task["HasPendingInterruptions"]
            ]
            started.extend(tasks.resume(transaction, answered, self._node_id))
            ordered_to_stop = [task["Id"] for task in waiting if task["State"] == "Cancelling" and task["Id"] in busy]
        for task in started:
            self._launch(task)
        for task_id in ordered_to_stop:
            self._stop_if_running(task_id)

    def _stop_if_running(self, task_id: str) -> None:
        with self._changed:
            slot = self._running.get(task_id)
        if slot:
            slot.cancelled.set()

    def _ready(self, transaction: Transaction, waiting: list[Document], busy: set[str]) -> list[Document]:
        now = self._server.now()
        due: list[Document] = []
        for task in waiting:
            if task["State"] != "Queued":
                continue
            expiry = moment(task.get("QueueTimeExpiry"))
            if expiry and expiry < now:
                tasks.finish(self._server, transaction, task, "TimedOut", "The task did not start before its expiry.")
            elif (moment(task["QueueTime"]) or now) <= now:
                due.append(task)
        if not due:
            return []
        free = self._free_slots(transaction, len(busy))
        held = {task["ConcurrencyTag"] for task in waiting if task["State"] != "Queued" and task["ConcurrencyTag"]}
        stopped = self._stopped_spaces(transaction)
        ready: list[Document] = []
        for task in due:
            if len(ready) >= free:
                break
            if task["ConcurrencyTag"] in held or task.get("SpaceId") in stopped:
                continue
            if not hooks.adjust("may start", True, task):
                continue
            if task["ConcurrencyTag"]:
                held.add(task["ConcurrencyTag"])
            ready.append(task)
        return ready

    def _free_slots(self, transaction: Transaction, busy: int) -> int:
        node = transaction.load("OctopusServerNode", self._node_id)
        if node is None or node["IsInMaintenanceMode"]:
            return 0
        return max(0, int(node["MaxConcurrentTasks"]) - busy)

    def _stopped_spaces(self, transaction: Transaction) -> set[str]:
        if not self._server.at_least("2019.1"):
            return set()
        return {space["Id"] for space in transaction.query("Space", where={"TaskQueueStopped": True})}

    # -- one task ------------------------------------------------------------------------------------------------

    def _launch(self, task: Document) -> None:
        cancelled = threading.Event()
        thread = threading.Thread(target=self._run, args=(task, cancelled), name=task["Id"], daemon=True)
        with self._changed:
            # Registered before the thread starts, so that a second look does not count the slot as free.
            self._running[task["Id"]] = _Slot(thread, cancelled)
        thread.start()

    def _run(self, task: Document, cancelled: threading.Event) -> None:
        if task["State"] == "Cancelling":
            cancelled.set()
        try:
            with activity.writing(task_logs.log_path(self._server, task), self._server.now) as file:
                log = activity.Activity.root(file, task["LogCorrelationId"], task["Description"])
                self._perform(Running(self._server, task, log, cancelled))
        except Exception as problem:  # noqa: BLE001 - a broken log folder must end this task, not the engine
            _PROBLEMS.exception("Task %s could not run", task["Id"])
            self._finish(Running(self._server, task, _Unlogged(), cancelled), "Failed", str(problem))
        finally:
            with self._changed:
                self._running.pop(task["Id"], None)
            self.wake()

    def _perform(self, running: Running) -> None:
        task, log = running.task, running.log
        try:
            runner = self._runners.get(task["Name"])
            if runner is None:
                raise TaskFailed(f"The task type {task['Name']} is not supported by this server.")  # noqa: TRY301
            running.check_cancelled()
            runner(running)
        except TaskPaused as pause:
            self._pause(task, pause)
        except TaskCanceled:
            log.warning("The task was canceled.")
            log.finish("Canceled")
            self._finish(running, "Canceled", "The task was canceled.")
        except TaskFailed as failure:
            log.fatal(str(failure))
            log.finish("Failed")
            self._finish(running, "Failed", str(failure))
        except Exception as problem:  # noqa: BLE001 - whatever a task runs into is that task's failure
            _PROBLEMS.exception("Task %s failed", task["Id"])
            log.fatal(f"{type(problem).__name__}: {problem}")
            log.finish("Failed")
            self._finish(running, "Failed", str(problem) or type(problem).__name__)
        else:
            log.finish()
            self._finish(running, "Success", "")

    def _finish(self, running: Running, state: str, error: str) -> None:
        with self._server.store.transaction() as transaction:
            current = transaction.load("ServerTask", running.task["Id"])
            if current is None:
                return  # the task was deleted while it ran
            current["HasWarningsOrErrors"] = bool(current["HasWarningsOrErrors"]) or running.log.warned or bool(error)
            if current["State"] not in tasks.COMPLETED:
                tasks.finish(self._server, transaction, current, state, error)
                for close in running.closing:
                    close(transaction, state)

    def _pause(self, task: Document, pause: TaskPaused) -> None:
        with self._server.store.transaction() as transaction:
            current = transaction.load("ServerTask", task["Id"])
            if current is None:
                return
            current["Progress"] = dict(pause.progress)
            current["ServerNodeId"] = None
            current["HasPendingInterruptions"] = bool(
                transaction.query("Interruption", where={"TaskId": task["Id"], "Status": "Pending"}, take=1)
            )
            transaction.update("ServerTask", current)

    # -- start-up and the clock ----------------------------------------------------------------------------------

    def _fail_lost(self, transaction: Transaction) -> None:
        """Tasks that ran on this node, or on one that is gone, when it went down.

        Waiting ones are nobody's and stay.
        """
        nodes = {node["Id"] for node in transaction.query("OctopusServerNode")} - {self._node_id}
        for task in transaction.query("ServerTask", where={"State": ["Executing", "Cancelling"]}):
            if not task["ServerNodeId"] or task["ServerNodeId"] in nodes:
                continue
            message = "The Octopus Server was restarted while the task was running, so the task was abandoned."
            if task.get("LogCorrelationId"):
                with activity.writing(task_logs.log_path(self._server, task), self._server.now) as file:
                    root = activity.Activity(file, task["LogCorrelationId"])
                    root.fatal(message)
                    root.finish("Failed")
            task["HasWarningsOrErrors"] = True
            tasks.finish(self._server, transaction, task, "Failed", message)
            events.record(
                self._server,
                transaction,
                "DeploymentFailed" if task["Name"] == "Deploy" else "TaskCanceled",
                f"{task['Description']} was abandoned by a restart",
                related=[task["Id"], *(value for value in task["Arguments"].values() if isinstance(value, str))],
                space=task.get("SpaceId"),
                project=task.get("ProjectId"),
                environment=task.get("EnvironmentId"),
                tenant=task.get("TenantId"),
            )

    def _chores_loop(self) -> None:
        delay = POLL_SECONDS
        while True:
            with self._changed:
                if not self._stopping:
                    self._changed.wait_for(lambda: self._stopping or self._look_now, delay)
                if self._stopping:
                    return
                self._look_now = False
                if not self._scheduling:
                    continue
            try:
                delay = self._chores()
            except Exception:  # noqa: BLE001 - tried again when the clock says so
                _PROBLEMS.exception("The scheduler could not do what is due")
                delay = POLL_SECONDS


@dataclass(frozen=True, slots=True)
class _Slot:
    thread: threading.Thread
    cancelled: threading.Event


class _Unlogged(activity.Activity):
    """The log of a task whose log file could not be opened."""

    def __init__(self) -> None:
        self.warned = True


def node_id(server: Server, transaction: Transaction) -> str:
    """This server's node document; the id holds the name (``OctopusServerNodes-<NAME>``)."""
    nodes = transaction.query("OctopusServerNode", where={"Name": server.node_name}, take=1)
    return nodes[0]["Id"] if nodes else f"OctopusServerNodes-{server.node_name}"
