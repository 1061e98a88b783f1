"""Task logs: a tree of activities with lines, written as a file that only grows.

A line of the file is a JSON array ``[node id, code, moment, text, detail]``. Node ids are paths, as recorded
correlation ids are: ``ServerTasks-1_CNMPMXUEE6/<32 hex>/<32 hex>``. Codes: ``PLN`` opens a node under its name,
``FIN`` ends it with a status, ``UPD`` gives progress; the others are the categories of lines.
"""

from __future__ import annotations

import json
import secrets
import string
import threading
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from standins.octopus.behaviour.moments import iso

#: Category names of the API (OctopusClients ActivityLogEntryCategory) and their codes in the file.
CATEGORIES = {
    "TRC": "Trace",
    "VBS": "Verbose",
    "INF": "Info",
    "HGT": "Highlight",
    "WAT": "Wait",
    "ALT": "Alert",
    "WRN": "Warning",
    "ERR": "Error",
    "FTL": "Fatal",
}
QUIET = frozenset({"Trace", "Verbose"})


def new_correlation(task_id: str) -> str:
    alphabet = string.ascii_uppercase + string.digits
    return f"{task_id}_{''.join(secrets.choice(alphabet) for _ in range(10))}"


class LogFile:
    """The file behind one task's log; lines come from several threads."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._now = now
        self._masks: tuple[str, ...] = ()

    def mask(self, values: Iterable[str]) -> None:
        """Hide these values from now on. Very short ones would hide ordinary words, so Octopus does not mask them."""
        wanted = {*self._masks, *(value for value in values if len(value) >= 4)}
        self._masks = tuple(sorted(wanted, key=len, reverse=True))

    def masked(self, text: str) -> str:
        for secret in self._masks:
            text = text.replace(secret, "********")
        return text

    def write(self, node: str, code: str, text: str, detail: str = "") -> None:
        entry = json.dumps([node, code, iso(self._now()), self.masked(text), self.masked(detail)], ensure_ascii=False)
        with self._lock:
            self._file.write(entry + "\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()


class Activity:
    """One node of a log that is being written."""

    def __init__(self, file: LogFile, node: str) -> None:
        self._file = file
        self.id = node
        self.warned = False
        self.failed = False

    @classmethod
    def root(cls, file: LogFile, correlation: str, name: str) -> Activity:
        file.write(correlation, "PLN", name)
        return cls(file, correlation)

    def child(self, name: str, node: str = "") -> Activity:
        """Open an activity below this one; ``node`` reopens a known one after a pause."""
        if node:
            return Activity(self._file, node)
        child = Activity(self._file, f"{self.id}/{uuid.uuid4().hex}")
        self._file.write(child.id, "PLN", name)
        return child

    def verbose(self, text: str) -> None:
        self._file.write(self.id, "VBS", text)

    def info(self, text: str) -> None:
        self._file.write(self.id, "INF", text)

    def wait(self, text: str) -> None:
        self._file.write(self.id, "WAT", text)

    def warning(self, text: str) -> None:
        self.warned = True
        self._file.write(self.id, "WRN", text)

    def error(self, text: str, detail: str = "") -> None:
        self.warned = True
        self._file.write(self.id, "ERR", text, detail)

    def fatal(self, text: str, detail: str = "") -> None:
        self.warned = True
        self._file.write(self.id, "FTL", text, detail)

    def line(self, code: str, text: str) -> None:
        self.warned = self.warned or code in {"WRN", "ERR", "FTL"}
        self._file.write(self.id, code, text)

    def progress(self, percentage: int, text: str = "") -> None:
        self._file.write(self.id, "UPD", text, str(percentage))

    def mask(self, values: Iterable[str]) -> None:
        self._file.mask(values)

    def finish(self, status: str = "") -> None:
        self._file.write(self.id, "FIN", status or ("SuccessWithWarning" if self.warned else "Success"))


@dataclass(slots=True)
class Line:
    category: str
    occurred: str
    text: str
    detail: str
    number: int


@dataclass(slots=True)
class Node:
    """One activity of a finished or growing log, as read."""

    id: str
    name: str
    started: str | None = None
    ended: str | None = None
    status: str = "Pending"
    percentage: int = 0
    message: str = ""
    lines: list[Line] = field(default_factory=list[Line])
    children: list[Node] = field(default_factory=list["Node"])


def read(paths: Sequence[Path]) -> list[Node]:
    """The trees of a task: a task that ran again after a pause or on another node continues the same root."""
    roots: list[Node] = []
    nodes: dict[str, Node] = {}
    for number, (node_id, code, occurred, text, detail) in enumerate(_entries(paths), start=1):
        if code == "PLN":
            if node_id not in nodes:
                node = nodes[node_id] = Node(node_id, text, started=occurred, status="Running")
                parent = nodes.get(node_id.rpartition("/")[0])
                (parent.children if parent else roots).append(node)
            continue
        node = nodes.get(node_id)
        if node is None:
            continue
        if code == "FIN":
            node.status, node.ended = text, occurred
        elif code == "UPD":
            node.percentage, node.message = int(detail or 0), text
        else:
            node.lines.append(Line(CATEGORIES.get(code, "Info"), occurred, text, detail, number))
    return roots


def _entries(paths: Sequence[Path]) -> Iterator[list[str]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):  # the last line of a growing file may still be half written
                    yield json.loads(line)


def as_details(node: Node, *, verbose: bool = True, tail: int | None = None) -> dict[str, Any]:
    """A node of ``tasks/{id}/details``; ``tail`` keeps the last lines and says how many are gone in a Gap element."""
    lines = [line for line in node.lines if verbose or line.category not in QUIET]
    elements: list[dict[str, Any]] = []
    if tail is not None and len(lines) > tail:
        dropped, lines = lines[: len(lines) - tail], lines[len(lines) - tail :]
        elements.append(
            {
                "Category": "Gap",
                "OccurredAt": dropped[-1].occurred,
                "MessageText": "",
                "Detail": "",
                "Number": dropped[0].number,
            }
        )
    elements.extend(
        {
            "Category": line.category,
            "OccurredAt": line.occurred,
            "MessageText": line.text,
            "Detail": line.detail or None,
            "Number": line.number,
        }
        for line in lines
    )
    return {
        "Id": node.id,
        "Name": node.name,
        "Started": node.started,
        "Ended": node.ended,
        "Status": node.status,
        "Children": [as_details(child, verbose=verbose, tail=tail) for child in node.children],
        "ShowAtSummaryLevel": node.id.count("/") <= 1,
        "LogElements": elements,
        "ProgressPercentage": 100 if node.ended else node.percentage,
        "ProgressMessage": node.message,
    }


def as_text(nodes: Sequence[Node], indent: int = 0) -> Iterator[str]:
    """The raw log's body: headers and lines as a log quoted in OctopusDeploy/Issues 1866 shows them."""
    pad = "  " * indent
    for node in nodes:
        yield f"                    | {pad}== {node.status}: {node.name} =="
        for line in node.lines:
            clock = line.occurred[11:19]
            for part in [*line.text.splitlines(), *line.detail.splitlines()] or [""]:
                yield f"{clock}   {line.category:<8} | {pad}  {part}"
        yield f"                    | {pad}"
        yield from as_text(node.children, indent + 1)


@contextmanager
def writing(path: Path, now: Callable[[], datetime]) -> Generator[LogFile]:
    file = LogFile(path, now)
    try:
        yield file
    finally:
        file.close()
