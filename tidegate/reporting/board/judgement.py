"""The decision in words: the verdict, why it is not better, the findings, and who accepted what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tidegate.checks.catalogue import checks
from tidegate.checks.finding import Finding, Severity
from tidegate.gate.verdict import Code, Outcome, Verdict
from tidegate.providers.stand_ins import played_by_stand_ins
from tidegate.reporting.board.html import Markup, cut, joined, link, listed, markup, paragraph, section, table
from tidegate.reporting.board.material import Material, stage_and_title

_MEANINGS: Final = {
    Outcome.APPROVED: "The main instance may follow.",
    Outcome.REJECTED: "The main instance must not follow: the upgrade does damage that nobody accepted.",
    Outcome.INCOMPLETE: "The main instance must not follow: what is known does not suffice.",
}

#: An approval by whose policy a subset does not suffice.
_SUBSET_ALONE: Final = "The upgrade of a subset came through. This opens no cut-over of the main instance."

#: Rows of a table, and lines of a list, before the rest is only counted; everything is in verdict.json.
_ROWS: Final = 40
_REASONS: Final = 20

#: Places of one kind of finding that are shown with their values.
_PLACES: Final = 2

#: Characters of a value and of a message.
_VALUE: Final = 60
_MESSAGE: Final = 300

_SEVERITIES: Final = list(Severity)

_KINDS: Final = {"clone": "lost by cloning, before the upgrade", "incomplete": "the check could not run"}


def heading(material: Material) -> Markup:
    """The page's title and the verdict in words; no colour carries anything that a word does not."""
    verdict = material.verdict
    count = verdict.scenarios
    told = f"{count.passed} of {count.required} required scenarios passed, {_open(verdict)}"
    why_not = verdict.policy.objection_to(verdict.reach)
    return joined(
        Markup("<h1>"),
        f"Upgrade of Octopus Server {verdict.from_version or '?'} to {verdict.to_version or '?'}",
        Markup(f'</h1><div class="verdict {verdict.outcome}"><p><strong>{verdict.outcome.upper()}</strong> '),
        _SUBSET_ALONE if why_not and verdict.outcome is Outcome.APPROVED else _MEANINGS[verdict.outcome],
        joined(Markup(" <strong>"), f"{verdict.reach} {why_not}".strip(), Markup("</strong>")) if verdict.reach else "",
        Markup('</p><p class="why">'),
        f"{told}.",
        Markup("</p></div>"),
        _stand_ins(material),
    )


def why_not(material: Material) -> Markup:
    """Every reason besides findings, each cause once."""
    others = [reason for reason in material.verdict.reasons if reason.code is not Code.FINDING_BLOCKS]
    causes: dict[str, list[str]] = {}
    for reason in others:
        causes.setdefault(reason.message, []).append(reason.subject)
    told = [
        joined(
            link(_subject(subjects[0]), material.scenario_address(subjects[0])), f"{_more(subjects)}: {_brief(message)}"
        )
        for message, subjects in list(causes.items())[:_REASONS]
    ]
    if len(causes) > _REASONS:
        told.append(markup(f"and {len(causes) - _REASONS} more, all in verdict.json"))
    return section("Why not", listed(told))


def findings(material: Material) -> Markup:
    """The open findings, the worst first; those of one check with one consequence share a row."""
    groups: dict[tuple[int, str, str, str], list[Finding]] = {}
    for finding in material.verdict.findings:
        severity = _SEVERITIES.index(finding.severity)
        groups.setdefault((severity, finding.check, finding.kind, finding.consequence), []).append(finding)
    if not groups:
        return section("Findings", paragraph("None."))
    ordered = [groups[key] for key in sorted(groups, key=lambda key: key[0])]
    rows = [_row(alike, material.verdict) for alike in ordered[:_ROWS]]
    left = sum(len(alike) for alike in ordered[_ROWS:])
    rest = paragraph(f"and {left} more, all in verdict.json") if left else ""
    columns = ("Check", "Severity", "Where, before → after", "What it means")
    return section("Findings", table(columns, rows, "findings"), rest)


def accepted(material: Material) -> Markup:
    """Findings that a waiver covers, and what is to be said about the waivers themselves."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in material.verdict.waived:
        key = (one.finding.check, one.owner, one.expires, one.reason, one.link)
        groups.setdefault(key, []).append(one.finding.place)
    rows = [
        (check, f"{places[0]}{_more(places)}", owner, expires, joined(f"{reason} (", link(address, address), ")"))
        for (check, owner, expires, reason, address), places in groups.items()
    ]
    shown = table(("Check", "Where", "Accepted by", "Until", "Why"), rows[:_ROWS], "waivers")
    return section("Accepted by a waiver", shown, listed(material.verdict.notes))


def _row(alike: Sequence[Finding], verdict: Verdict) -> Sequence[str]:
    first = alike[0]
    described = checks().get(first.check)
    check = joined(Markup("<strong>"), first.check, Markup("</strong>"), f" {described.title}" if described else "")
    blocks = first.kind == "incomplete" or first.severity in verdict.policy.blocking
    severity = f"{_KINDS.get(first.kind, first.severity)}{', blocks' if blocks else ''}"
    places = list(_places(alike))
    return check, severity, Markup("<br>".join(places)), cut(first.consequence, _MESSAGE)


def _places(alike: Sequence[Finding]) -> Iterator[Markup]:
    if len(alike) > 1:
        yield joined(Markup("<strong>"), f"{len(alike)} places", Markup("</strong>, for example"))
    for one in alike[:_PLACES]:
        values = f"{_value(one.before)} → {_value(one.after)}"
        yield joined(cut(one.place, _MESSAGE), ": " if values else "", values)


def _value(value: Any) -> str:
    return "nothing" if value is None else cut(json.dumps(value, ensure_ascii=False, default=str), _VALUE)


def _open(verdict: Verdict) -> str:
    blocking = sum(1 for one in verdict.findings if one.severity in verdict.policy.blocking)
    others = len(verdict.findings) - blocking
    if not verdict.findings:
        return "no finding is open"
    parts = [f"{blocking} open {'finding blocks' if blocking == 1 else 'findings block'}"] if blocking else []
    parts += [f"{others} {'is' if others == 1 else 'are'} to know"] if others else []
    return " and ".join(parts)


def _stand_ins(material: Material) -> Markup:
    """A rehearsal on stand-ins proves the process and not the product: nobody may overlook that."""
    played = played_by_stand_ins(material.settings) if material.settings else ()
    if not played:
        return Markup("")
    text = f"Stand-ins played {' and '.join(played)}. What they say is no evidence about the real products."
    return paragraph(joined(Markup("<strong>Practice run.</strong> "), text), "practice")


def _subject(subject: str) -> str:
    """What a reason is about; of a scenario, its stage and title."""
    stage, title = stage_and_title(subject)
    return f"{stage}: {title}" if title else subject


def _brief(message: str) -> str:
    return cut(message.splitlines()[0], _MESSAGE) if message else ""


def _more(subjects: Sequence[str]) -> str:
    return f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
