"""The change-board document: one page that says whether the main instance may follow, why, and how to check it.

Made from the verdict and the evidence alone, so that the same evidence gives the same bytes anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from itertools import groupby
from typing import Any, Final

from tidegate.gate.evidence import Entry
from tidegate.gate.scenarios import ScenarioOutcome, ScenarioResult, results
from tidegate.gate.verdict import Outcome, Verdict
from tidegate.reporting.bars import Bar, bars

_MEANINGS: Final = {
    Outcome.APPROVED: "The main instance may follow.",
    Outcome.REJECTED: "The main instance must not follow: the upgrade does damage that nobody accepted.",
    Outcome.INCOMPLETE: "The main instance must not follow: what is known does not suffice.",
}

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{css}</style></head>
<body><main>
{body}
</main><footer>{by}</footer></body></html>
"""

#: Rows of a table before the rest is only counted; everything is in verdict.json.
_ROWS: Final = 40


def change_board(verdict: Verdict, entries: Sequence[Entry]) -> str:
    """The page as HTML, complete in itself."""
    sections = [
        _verdict(verdict),
        _facts(verdict, entries),
        f'<div class="columns"><div>{_verified(entries)}</div><div>{_not_verified(verdict, entries)}</div></div>',
        _reasons(verdict),
        _findings(verdict),
        _waived(verdict),
        _outage(entries),
        _evidence(verdict, entries),
    ]
    css = resources.files("tidegate.reporting").joinpath("change_board.css").read_text(encoding="utf-8")
    title = f"Upgrade of Octopus Server {verdict.from_version} to {verdict.to_version}: {verdict.outcome}"
    body = "\n".join(section for section in sections if section)
    by = f"Run {verdict.run}, decided {verdict.decided:%Y-%m-%d %H:%M} UTC by Tidegate {verdict.tidegate}."
    return _PAGE.format(title=escape(title), css=css, body=body, by=escape(by))


def _verdict(verdict: Verdict) -> str:
    versions = f"{verdict.from_version or '?'} to {verdict.to_version or '?'}"
    told = f"{verdict.scenarios.passed} of {verdict.scenarios.required} required scenarios passed"
    return (
        f"<h1>Upgrade of Octopus Server {escape(versions)}</h1>"
        f'<div class="verdict {verdict.outcome}">{verdict.outcome.upper()}: {told}'
        f"<small>{_MEANINGS[verdict.outcome]}</small></div>"
    )


def _facts(verdict: Verdict, entries: Sequence[Entry]) -> str:
    plan = _details(entries, "plan")
    hops: list[dict[str, Any]] = list(plan.get("hops") or [])
    facts = {
        "Main instance": verdict.main or "not reached",
        "Path": " → ".join([str(plan.get("from", "?")), *(str(hop["to"]) for hop in hops)]),
        "Kind of change": ", ".join(str(hop["change"]) for hop in hops) or "?",
        "To go back": "; ".join(dict.fromkeys(str(hop["rollback"]) for hop in hops)) or "?",
        "Blocks": f"findings that are {' or '.join(verdict.policy.blocking)}",
    }
    return _table([[f"<th>{escape(name)}</th>", _cell(text)] for name, text in facts.items()], "facts")


def _verified(entries: Sequence[Entry]) -> str:
    reported = list(results(entries).values())
    lines: list[str] = []
    for feature, group in groupby(reported, key=_feature):
        outcomes = Counter(result.outcome for result in group)
        passed = outcomes.pop(ScenarioOutcome.PASSED, 0)
        rest = "".join(f", {number} {outcome}" for outcome, number in outcomes.items())
        lines.append(f"<li>{escape(feature)}: {passed} passed{rest}</li>")
    return f"<h2>Verified</h2><ul>{''.join(lines) or '<li>nothing</li>'}</ul>"


def _not_verified(verdict: Verdict, entries: Sequence[Entry]) -> str:
    told: list[str] = []
    if verdict.scenarios.missing:
        told.append(f"{verdict.scenarios.missing} required scenarios were not part of this run")
    for entry in entries:
        if entry.kind == "check":
            told += [f"{entry.details['check']}: {what}" for what in entry.details.get("uncovered") or ()]
    samples = [sample for entry in entries if entry.kind == "snapshot" for sample in entry.details.get("samples") or ()]
    told += [f"seen in part only: {sample}" for sample in dict.fromkeys(samples)]
    return f"<h2>Not verified</h2>{_list(told, 'nothing that the checks know of')}"


def _reasons(verdict: Verdict) -> str:
    others = [reason for reason in verdict.reasons if reason.code != "finding-blocks"]
    if not others:
        return ""
    causes: dict[str, list[str]] = {}
    for reason in others:
        causes.setdefault(reason.message.splitlines()[0] if reason.message else "", []).append(reason.subject)
    told = [f"{subjects[0]}{_and_more(subjects)}: {message}" for message, subjects in causes.items()]
    return f"<h2>Why not</h2>{_list(told, '')}"


def _findings(verdict: Verdict) -> str:
    if not verdict.findings:
        return "<h2>Findings</h2><p>None.</p>"
    rows = [
        [
            _cell(finding.check),
            _cell(finding.severity),
            _cell(finding.place),
            _cell(f"{finding.before!r} → {finding.after!r}"),
            _cell(finding.consequence),
        ]
        for finding in verdict.findings[:_ROWS]
    ]
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("Check", "Severity", "Place", "Before → after", "So what")
    )
    more = len(verdict.findings) - _ROWS
    rest = f"<p>and {more} more, all in verdict.json</p>" if more > 0 else ""
    return f"<h2>Findings</h2>{_table([[head], *rows])}{rest}"


def _waived(verdict: Verdict) -> str:
    told = [
        f"{one.finding.check} at {one.finding.place}: {one.owner}, until {one.expires}: {one.reason} ({one.link})"
        for one in verdict.waived
    ]
    return f"<h2>Accepted by a waiver</h2>{_list([*told, *verdict.notes], '')}" if told or verdict.notes else ""


def _outage(entries: Sequence[Entry]) -> str:
    steps = [
        Bar(str(step), float(seconds))
        for entry in entries
        if entry.kind == "upgrade"
        for step, seconds in dict(entry.details.get("timings") or {}).items()
    ]
    if not steps:
        return ""
    total = sum(bar.seconds for bar in steps)
    return f"<h2>Predicted outage</h2><p>The upgrade's own steps took {total:.0f} s in the rehearsal.</p>{bars(steps)}"


def _evidence(verdict: Verdict, entries: Sequence[Entry]) -> str:
    attached = [entry.details for entry in entries if entry.kind == "attachment"]
    rows = [[_cell(str(one["name"])), f"<td><code>{escape(str(one['sha256']))}</code></td>"] for one in attached]
    head = '<th scope="col">Attachment</th><th scope="col">SHA-256</th>'
    return (
        f"<h2>Evidence</h2><p>{verdict.evidence_entries} entries; the last has digest "
        f"<code>{verdict.evidence_sha256}</code>. <code>tidegate evidence verify FOLDER</code> recomputes all.</p>"
        + (_table([[head], *rows]) if rows else "")
    )


def _feature(result: ScenarioResult) -> str:
    file = result.id.split(": ")[0].rsplit("/", 1)[-1].removesuffix(".feature")
    return file.lstrip("0123456789_").replace("_", " ")


def _and_more(subjects: Sequence[str]) -> str:
    return f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""


def _list(items: Iterable[str], otherwise: str) -> str:
    told = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{told}</ul>" if told else f"<p>{escape(otherwise)}</p>"


def _table(rows: Iterable[Sequence[str]], name: str = "") -> str:
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<table class="{name}">{body}</table>' if name else f"<table>{body}</table>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _details(entries: Sequence[Entry], kind: str) -> Mapping[str, Any]:
    for entry in entries:
        if entry.kind == kind:
            return entry.details
    return {}
