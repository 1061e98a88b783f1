"""What live checks work with, and how each of them ends: with findings and what was covered, never with a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from tidegate.checks.finding import Finding, Severity
from tidegate.checks.grading import EXAMPLES, TOGETHER
from tidegate.checks.live.hearing import Hearing
from tidegate.errors import HarnessError, MainInstanceProtected, Refused, Unreachable
from tidegate.observation.documents import Document, property_of
from tidegate.observation.observers import Observer
from tidegate.observation.places import family_of
from tidegate.octopus.client import Access, Answer, OctopusClient, ServerInfo
from tidegate.waiting import wait_until

#: States in which a task is over (Octopus.Client TaskState).
ENDED: Final = frozenset({"Success", "Failed", "Canceled", "TimedOut"})

#: What reading an answer of another shape than documented raises.
_SHAPE: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class LiveResult:
    """How one live check ended: what it found, what it looked at, and what it could not look at and why."""

    check: str
    findings: tuple[Finding, ...] = ()
    covered: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.findings


@dataclass(slots=True)
class Notes:
    """A check's result while it runs."""

    check: str
    findings: list[Finding] = field(default_factory=list[Finding])
    covered: list[str] = field(default_factory=list[str])
    uncovered: list[str] = field(default_factory=list[str])

    def find(
        self,
        place: str,
        consequence: str,
        *,
        before: Any = None,
        after: Any = None,
        severity: Severity = Severity.BREAKING,
        check: str = "",
        kind: Literal["upgrade", "incomplete"] = "upgrade",
    ) -> None:
        self.findings.append(
            Finding(
                check=check or self.check, severity=severity, place=place, before=before, after=after,
                consequence=consequence, kind=kind,
            )
        )  # fmt: skip

    def add(self, others: Notes) -> None:
        """Take over what a part of the check noted."""
        self.findings += others.findings
        self.covered += others.covered
        self.uncovered += others.uncovered

    def result(self) -> LiveResult:
        return LiveResult(self.check, tuple(_together(self.findings)), tuple(self.covered), tuple(self.uncovered))


def _together(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, where one cause that shows in many places of a kind is told once."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        kind = family_of(finding.place.partition(" ")[0].partition(":")[0])
        told = (finding.check, finding.kind, finding.consequence, repr(finding.before), repr(finding.after))
        groups.setdefault((*told, kind), []).append(finding)
    for (*_, kind), group in groups.items():
        if len(group) < TOGETHER:
            yield from group
        else:
            places = [finding.place for finding in group]
            examples = ", ".join(places[:EXAMPLES])
            yield group[0].model_copy(update={"place": f"{kind} ({len(places)} of them: {examples}, …)"})


@dataclass(frozen=True, slots=True)
class LiveContext:
    """The test instance, reached as its administrator with the right to write, and the users of each kind.

    ``guard`` raises :class:`MainInstanceProtected` when the client talks to the main instance; it is called before
    every check. ``space`` is the id of the default space, "" before there were spaces. Made by :func:`live_context`.
    """

    client: OctopusClient
    guard: Callable[[], None]
    server: ServerInfo
    space: str
    observers: tuple[Observer, ...] = ()
    task_timeout: float = 120.0
    report: Callable[[str], None] = lambda _: None
    nodes: tuple[str, ...] = ()  # the instance's own; empty when only one may run, whatever its name
    hearing: Hearing = field(default_factory=Hearing)  # what was answered to everything that was written

    @property
    def any_node(self) -> tuple[tuple[str, str], ...]:
        """What names of nodes are replaced by: in a cluster it is chance which of them takes a task."""
        return tuple((name, "<node>") for name in self.nodes) if len(self.nodes) > 1 else ()

    def path(self, route: str) -> str:
        """The path of a route of the default space."""
        return f"/api/{self.space}/{route}" if self.space else f"/api/{route}"

    def as_user(self, observer: Observer) -> OctopusClient:
        """A client with the key of one kind of user; the caller closes it."""
        client = OctopusClient(self.client.url, observer.api_key, access=Access.FULL, user_agent="tidegate")
        client.listener = self.hearing.note
        return client

    def shown(self, path: str, **params: str | int | bool) -> list[Document]:
        """The items of one page of a list; none where it is not shown."""
        answer = self.client.send("GET", path, params=params)
        return cast("list[Document]", property_of(answer.json, "Items") or []) if answer.ok else []

    def task_ended(self, task_id: str, *, answer_interruptions: bool = True) -> dict[str, Any]:
        """The task once it is over, or, unless they are to be answered, once it waits for somebody.

        Raises :class:`HarnessError` when that takes too long.
        """
        state: dict[str, Any] = {}

        def look() -> dict[str, Any] | None:
            nonlocal state
            state = cast("dict[str, Any]", self.client.get(f"/api/tasks/{task_id}"))
            if state.get("State") in ENDED:
                return state
            if state.get("HasPendingInterruptions"):
                if not answer_interruptions:
                    return state
                self._proceed(task_id)
            return None

        return wait_until(
            look,
            timeout=self.task_timeout,
            what=f"the end of {task_id}",
            poll=0.05,
            describe=lambda: " ".join(str(state.get(name) or "") for name in ("State", "ErrorMessage")).strip(),
            where=self.client.url,
        )

    def pending(self, task_id: str) -> list[dict[str, Any]]:
        """Interruptions of a task that wait for somebody."""
        found = self.client.items(self.path("interruptions"), regarding=task_id, pendingOnly=True)
        return [interruption for interruption in found if interruption.get("IsPending")]

    def _proceed(self, task_id: str) -> None:
        for interruption in self.pending(task_id):
            self.submit(interruption)

    def submit(self, interruption: Mapping[str, Any]) -> None:
        """Take responsibility for an interruption and answer it so that the deployment goes on."""
        path = self.path(f"interruptions/{interruption['Id']}")
        self.client.put(f"{path}/responsible")
        names = {str(element.get("Name")) for element in interruption.get("Form", {}).get("Elements", [])}
        answer = {"Guidance": "Ignore"} if "Guidance" in names else {"Result": "Proceed", "Notes": "Tidegate rehearsal"}
        self.client.post(f"{path}/submit", answer)


def live_context(
    client: OctopusClient,
    guard: Callable[[], None],
    *,
    observers: Iterable[Observer] = (),
    task_timeout: float = 120.0,
    report: Callable[[str], None] = lambda _: None,
    nodes: Iterable[str] = (),
) -> LiveContext:
    """What live checks need to know of the server behind ``client``. Raises what the client raises."""
    guard()
    server = client.server()
    spaces = cast("list[dict[str, Any]]", client.get("/api/spaces/all")) if server.spaces else []
    default = next((str(space["Id"]) for space in spaces if space.get("IsDefault")), "")
    context = LiveContext(client, guard, server, default, tuple(observers), task_timeout, report, tuple(nodes))
    client.listener = context.hearing.note
    return context


def run_check(check: str, context: LiveContext, body: Callable[[Notes], None]) -> LiveResult:
    """Run one check: guarded, and with an answer whatever happens.

    A refusal is the server's answer and becomes a finding; silence, or an answer nobody can read, makes the check
    incomplete.
    """
    context.guard()
    notes = Notes(check)
    try:
        body(notes)
    except MainInstanceProtected:
        raise
    except Refused as error:
        notes.find(_place(error), "what people do every day is refused on the upgraded server", after=error.what)
    except Unreachable as error:
        notes.find(
            _place(error), "the server gave no answer, so this is not known", after=error.what, kind="incomplete"
        )
    except HarnessError as error:
        notes.find(_place(error), "it did not come to an end in time", after=error.what)
    except _SHAPE as error:
        told = f"{type(error).__name__}: {error}"
        notes.find(check, "an answer had a shape that this check cannot read", after=told, kind="incomplete")
    return notes.result()


def _place(error: HarnessError) -> str:
    """The route in an error's text ("PUT /api/userroles/x answered 400: …") or its task, else where it happened."""
    words = error.what.split()
    task = next((f"tasks/{word.rstrip(';:,.')}" for word in words if word.startswith("ServerTasks-")), "")
    return next((word for word in words if word.startswith("/api")), task or error.where or error.what)


def told(answer: Answer) -> str:
    """An answer in one line."""
    return f"{answer.status} {answer.error_message}".strip()
