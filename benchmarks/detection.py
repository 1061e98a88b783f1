"""Rehearses with seeded regressions, and prints which were caught, by which finding, and which were missed.

    python -m benchmarks.detection                 # every regression the stand-ins know, and a control without any
    python -m benchmarks.detection 4 21 66 122     # these, each in a rehearsal of its own
    python -m benchmarks.detection --clean 2022.4.8377 2023.4.8279    # no regression: every finding is a false alarm
    python -m benchmarks.detection --disturb 30 --seed 1   # a proxy changes thirty answers at random

Each is a real failure after an upgrade (`standins/octopus/regressions/`), switched on in the upgraded server.
`regressions.toml` says where each must be found, and which are rehearsed together.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.rehearsing import AFTER, Bench, Rehearsed
from tests.support.disturbing_proxy import choose, disturbing
from tidegate.checks.finding import Finding
from tidegate.observation.store import LIST, Snapshot
from tidegate.versions import Version

REPOSITORY: Final = Path(__file__).resolve().parents[1]
SEEDED: Final = REPOSITORY / "standins" / "octopus" / "regressions"
EXPECTED: Final = Path(__file__).with_name("regressions.toml")


@dataclass(frozen=True, slots=True)
class Expected:
    """Where a regression must be found, and in which rehearsal."""

    number: int
    check: str
    place: str
    run: str  # rehearsed together with the others of this name; "" alone
    pair: str

    def caught_by(self, finding: Finding) -> bool:
        return finding.check == self.check and self.place in finding.place


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything in `regressions.toml`."""

    expected: dict[int, Expected]
    pairs: dict[str, tuple[Version, Version]]
    live: dict[str, tuple[str, ...]]  # live checks of a run; all of them where a run is not named

    def runs(self, pair: str, wanted: Collection[int]) -> list[tuple[str, list[Expected]]]:
        """The rehearsals of one pair of versions: those that go together, and those that are alone."""
        together: defaultdict[str, list[Expected]] = defaultdict(list)
        for number, one in sorted(self.expected.items()):
            if one.pair == pair and number in wanted:
                together[one.run or str(number)].append(one)
        return sorted(together.items(), key=lambda run: (not run[0].isdigit(), run[0].zfill(4)))


def read_plan() -> Plan:
    """`regressions.toml`. Raises KeyError where a row lacks something."""
    data = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    expected = {
        int(number): Expected(int(number), row["check"], row["place"], row.get("run", ""), row.get("on", "main"))
        for number, row in data["expected"].items()
    }
    pairs = {name: (Version.parse(origin), Version.parse(target)) for name, (origin, target) in data["pairs"].items()}
    return Plan(expected, pairs, {name: tuple(checks) for name, checks in data["live"].items()})


def seeded() -> dict[int, str]:
    """Every regression the stand-ins know: its number and what its file is called."""
    found: dict[int, str] = {}
    for file in sorted(SEEDED.glob("f[0-9]*.py")):
        match = re.fullmatch(r"f(\d+)_(\w+)", file.stem)
        if match:
            found[int(match[1])] = match[2].replace("_", " ")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every regression was caught and the controls found nothing, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="regressions; every one when left out")
    parser.add_argument("--clean", action="store_true", help="two versions instead of numbers: rehearse without any")
    parser.add_argument("--disturb", type=int, default=0, metavar="N", help="disturb N answers at random instead")
    parser.add_argument("--seed", type=int, default=1, help="which disturbances are drawn")
    parser.add_argument("--times", type=int, default=1, help="how often the control is rehearsed")
    chosen = parser.parse_args(arguments)
    if chosen.clean:
        origin, target = map(Version.parse, chosen.numbers)
        return 1 if _clean(origin, target, chosen.times) else 0
    if chosen.disturb:
        return 1 if _disturb(chosen.disturb, chosen.seed) else 0
    numbers = {int(number) for number in chosen.numbers}
    plan = read_plan()
    caught, missed, alarms = 0, list[int](), 0
    for pair, (origin, target) in plan.pairs.items():
        runs = plan.runs(pair, numbers or plan.expected)
        if not runs:
            continue
        with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), origin, target) as bench:
            alarms += sum(_control(bench) for _ in range(chosen.times))
            for name, together in runs:
                for alone in [[one] for one in together] if numbers else [together]:
                    missing = _run(bench, alone, plan.live.get(name))
                    caught += len(alone) - len(missing)
                    missed += missing
    unknown = sorted(set(seeded()) - set(plan.expected))
    print(f"\n{caught} of {caught + len(missed)} caught, missed: {missed or 'none'}, {alarms} false alarms")
    if unknown:
        print(f"not in {EXPECTED.name}: {unknown}")
    return 1 if missed or alarms or (unknown and not numbers) else 0


def _clean(origin: Version, target: Version, times: int) -> int:
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), origin, target) as bench:
        return sum(_control(bench) for _ in range(times))


def _disturb(number: int, seed: int) -> int:
    """How many of the disturbances drawn for this seed nothing at their places told of."""
    origin, target = read_plan().pairs["runbooks"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = stack.enter_context(Bench(Path(folder), origin, target))
        bench.rehearse(live=())
        drawn = choose(list(_shown(Snapshot(Path(folder) / AFTER))), number, seed)
        result = bench.rehearse(live=(), around=lambda url: stack.enter_context(disturbing(url, drawn)))
    unnoticed = 0
    for one in drawn:
        words = [word for word in one.family.partition("?")[0].split("/") if word != "*"]
        named = [finding for finding in result.findings if all(word in finding.place.lower() for word in words)]
        if one.path and one.kind != "not json":
            named = [finding for finding in named if any(name in finding.place for name in one.path if name != "[]")]
        if one.kind == "slow":
            named = [finding for finding in named if finding.check == "PERF"]
        unnoticed += not named
        print(f"{'noticed' if named else 'UNNOTICED':10} {one.sentence}: {_told(named[0]) if named else ''}")
    return unnoticed


def _shown(after: Snapshot) -> Iterator[tuple[str, Any]]:
    """What the upgraded server showed its administrator, without what the harness cannot do without."""
    condition = "user = ? AND status = 200 AND form IN ('item', 'list') AND place NOT LIKE '(probe)%'"
    for seen in after.rows(condition, (after.administrator,)):
        if seen.place in ("", after.default_space, "users/me", "spaces/all") or "json" not in seen.type:
            continue
        if seen.form != LIST:
            yield seen.place, seen.json
        elif seen.json.get("TotalResults", 0) > 1:
            several: dict[str, Any] = {"Items": [{"Id": "1"}, {"Id": "2"}]}
            yield seen.place, several


def _control(bench: Bench) -> int:
    """How many findings a rehearsal without any regression has."""
    result = bench.rehearse()
    _say("clean", result)
    for finding in result.findings:
        print(f"      FALSE ALARM {_told(finding)}", flush=True)
    return len(result.findings)


def _run(bench: Bench, together: list[Expected], live: tuple[str, ...] | None) -> list[int]:
    """Rehearse with these; the numbers of those that nothing at the right place told of."""
    result = bench.rehearse([one.number for one in together], live=live)
    _say("seeded " + ", ".join(str(one.number) for one in together), result)
    titles = seeded()
    missed: list[int] = []
    for one in together:
        found = next(filter(one.caught_by, result.findings), None)
        print(f"  {'caught' if found else 'MISSED'} {one.number:4} {titles.get(one.number, '?')}", flush=True)
        if found is None:
            missed.append(one.number)
        else:
            print(f"              {_told(found)}", flush=True)
    _others(together, result.findings)
    return missed


def _others(together: list[Expected], findings: Iterable[Finding]) -> None:
    """Consequences at other places: too many of them hide a cause."""
    others = [finding for finding in findings if not any(one.caught_by(finding) for one in together)]
    if others:
        print(f"  and {len(others)} more findings of the same causes, for example {_told(others[0])}", flush=True)


def _say(what: str, result: Rehearsed) -> None:
    print(f"{what}: {len(result.findings)} findings, {result.seconds:.0f} s, {result.processor:.0f} s of processor")


def _told(finding: Finding) -> str:
    after: Any = finding.after if isinstance(finding.after, str) else repr(finding.after)
    return f"[{finding.check}] {finding.severity} at {finding.place[:120]}: {str(after)[:80]}"


if __name__ == "__main__":
    sys.exit(main())
