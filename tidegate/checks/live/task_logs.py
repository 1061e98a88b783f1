"""Task logs in a form in which two runs of the same deployment can be compared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

#: Categories of lines that people read; the others tell how this version of the server works inside.
READ: Final = frozenset({"Info", "Highlight", "Wait", "Alert", "Warning", "Error", "Fatal"})
TROUBLE: Final = frozenset({"Warning", "Error", "Fatal", "Alert"})

#: What two runs never share: moments, durations, sizes, ids of this run, temporary folders, ports.
_VOLATILE: Final = (
    (re.compile(r"https?://[^\s/'\"<>]+"), "<address>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:?\d\d|Z)?"), "<time>"),
    (re.compile(r"\b\w{3,6}day, [^|]*?\d{4}( \d{1,2}:\d\d(:\d\d)?( [AP]M)?)?( [+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?\b"), "<duration>"),
    (re.compile(r"\b(less than )?(an? |\d+([.,]\d+)? ?)(ms|milliseconds?|s|seconds?|minutes?|hours?)\b"), "<duration>"),
    # How many times this release was deployed there before: the first time there is no number.
    (re.compile(r" \(#\d+\)"), ""),
    (re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"\b(ServerTasks|Deployments|Artifacts|Interruptions|RunbookRuns|Releases)-\d+(_\w+)?"), r"\1-<n>"),
    (re.compile(r"(/tmp|/var/tmp|/work|/private|[A-Z]:\\)[^\s'\"]*"), "<path>"),
    (re.compile(r"(?<![\w/])(/[\w.~+-]+){2,}/?"), "<path>"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """One activity of a log: its names from the root, how it ended, and its lines as (category, text)."""

    path: str
    status: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RunLog:
    """The log of one run. ``unsteady`` are nodes and lines that two runs of the same release did not share;
    ``patterns`` are lines of a node with the words open that were others each time."""

    nodes: tuple[Node, ...]
    unsteady: frozenset[tuple[str, str]] = field(default_factory=frozenset[tuple[str, str]])
    patterns: Mapping[str, tuple[re.Pattern[str], ...]] = field(default_factory=dict[str, tuple[re.Pattern[str], ...]])


def run_log(details: Any, known: Iterable[tuple[str, str]] = ()) -> RunLog:
    """The log in a reply of `tasks/{id}/details`. ``known`` are texts of this run, with what to put in their place."""
    nodes: list[Node] = []
    replacements = tuple((text, mark) for text, mark in known if text)
    for root in cast("list[dict[str, Any]]", details.get("ActivityLogs") or []):
        _walk(root, "", nodes, replacements)
    return RunLog(tuple(nodes))


def steady(first: RunLog, second: RunLog) -> RunLog:
    """The first run's log, with what the second did otherwise marked as unsteady."""
    here, there = _facts(first), _facts(second)
    others = {node.path: node for node in second.nodes}
    patterns = {
        node.path: tuple(
            _pattern(one, other)
            for (_, one), (_, other) in zip(node.lines, others[node.path].lines, strict=True)
            if one != other and len(one.split()) == len(other.split())
        )
        for node in first.nodes
        if node.path in others and len(node.lines) == len(others[node.path].lines)
    }
    return RunLog(first.nodes, frozenset(set(here) ^ set(there)), patterns)


def _pattern(one: str, other: str) -> re.Pattern[str]:
    """Both lines, with the words open that they do not share."""
    words = zip(one.split(), other.split(), strict=True)
    return re.compile(r"\s+".join(re.escape(a) if a == b else r"\S+" for a, b in words))


def steadied(text: str, known: Sequence[tuple[str, str]] = ()) -> str:
    """A line without what is new in every run."""
    for found, mark in known:
        text = text.replace(found, mark)
    for pattern, mark in _VOLATILE:
        text = pattern.sub(mark, text)
    return text.strip()


@dataclass(frozen=True, slots=True)
class LogDifference:
    """How one activity differs between two runs. ``lost`` and ``new`` are lines."""

    path: str
    before: str
    after: str
    lost: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    trouble: bool = False


def compare_logs(before: RunLog, after: RunLog) -> list[LogDifference]:
    """Activities that are gone, new, ended otherwise, ran in another order or said something else."""
    had = {node.path: node for node in before.nodes}
    has = {node.path: node for node in after.nodes}
    differences: list[LogDifference] = []
    for path, node in had.items():
        other = has.get(path)
        if ("node", path) in before.unsteady:
            continue
        if other is None:
            differences.append(LogDifference(path, node.status, "not run"))
        elif other.status != node.status and ("status", f"{path}={node.status}") not in before.unsteady:
            differences.append(LogDifference(path, node.status, other.status))
        else:
            differences.extend(_lines(node, other, before))
    for path, node in has.items():
        if path not in had and ("node", path) not in before.unsteady:
            differences.append(LogDifference(path, "not run", node.status))
    order = [path for path in had if path in has]
    now = [path for path in has if path in had]
    if order != now:
        differences.append(LogDifference("the order of activities", " → ".join(order[:12]), " → ".join(now[:12])))
    return differences


def _walk(element: dict[str, Any], above: str, nodes: list[Node], known: tuple[tuple[str, str], ...]) -> None:
    name = steadied(str(element.get("Name") or ""), known)
    path = f"{above} / {name}" if above else name
    lines = tuple(
        (str(line.get("Category")), steadied(str(line.get("MessageText") or ""), known))
        for line in cast("list[dict[str, Any]]", element.get("LogElements") or [])
        if line.get("Category") in READ
    )
    # The same name twice under one parent (one machine in two batches, a retried step) is told apart by its number.
    taken = {node.path for node in nodes}
    number, unique = 2, path
    while unique in taken:
        number, unique = number + 1, f"{path} ({number})"
    nodes.append(Node(unique, str(element.get("Status") or ""), lines))
    for child in cast("list[dict[str, Any]]", element.get("Children") or []):
        _walk(child, unique, nodes, known)


def _facts(log: RunLog) -> set[tuple[str, str]]:
    facts: set[tuple[str, str]] = set()
    for node in log.nodes:
        facts.add(("node", node.path))
        facts.add(("status", f"{node.path}={node.status}"))
        facts.update((node.path, text) for _, text in node.lines)
    return facts


def _lines(before: Node, after: Node, log: RunLog) -> list[LogDifference]:
    patterns = log.patterns.get(before.path, ())

    def steady_lines(node: Node) -> list[tuple[str, str]]:
        return [
            (category, text)
            for category, text in node.lines
            if (before.path, text) not in log.unsteady and not any(pattern.fullmatch(text) for pattern in patterns)
        ]

    had, has = steady_lines(before), steady_lines(after)
    if had == has:
        return []
    lost: list[str] = []
    new: list[tuple[str, str]] = []
    for operation, a, b, c, d in difflib.SequenceMatcher(None, had, has, autojunk=False).get_opcodes():
        if operation != "equal":
            lost += [text for _, text in had[a:b]]
            new += has[c:d]
    trouble = any(category in TROUBLE for category, _ in new)
    told = tuple(text for _, text in new)
    return [LogDifference(before.path, before.status, after.status, tuple(lost), told, trouble=trouble)]
