"""Puts regressions that nobody told anyone about between the harness and an upgraded server, and asks what it finds.

    python -m benchmarks.unknown                      # seeds 1 to 60
    python -m benchmarks.unknown 17 23 --verbose      # these seeds, with everything that was found
    python -m benchmarks.unknown --seeds 100 200 --only value route
    python -m benchmarks.unknown 17 --whole           # upgraded anew, with everything that a rehearsal does after it

A seed draws one mutation from the grammar in `benchmarks/mutations/`. It is played on one upgraded instance that is
kept alive: a snapshot through the proxy and the comparison where it shows to who reads, the live checks concerned where
it shows to who acts. A mutation is caught when a finding names its place; found elsewhere when there are only others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.mutations import answers, behaviour, database, routes, state, writes
from benchmarks.mutations.database import Damage
from benchmarks.mutations.mutation import Draw, Mutation, World, named_by
from benchmarks.mutations.proxy import Proxy, standing
from benchmarks.mutations.world import world_of
from benchmarks.rehearsing import ADMINISTRATOR, Bench, Upgraded
from tidegate.checks.finding import Finding
from tidegate.errors import SqlServerFailure
from tidegate.observation.store import Snapshot
from tidegate.rehearsal.instances import TestInstance
from tidegate.sqlserver.connection import SqlServer
from tidegate.versions import Version

GRAMMAR: Final[dict[str, tuple[int, Draw]]] = {
    **answers.DRAWS,
    **routes.DRAWS,
    **writes.DRAWS,
    **behaviour.DRAWS,
    **state.DRAWS,
}

CAUGHT: Final = "caught"
ELSEWHERE: Final = "elsewhere"
MISSED: Final = "MISSED"
NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one mutation."""

    seed: int
    mutation: Mutation | Damage
    findings: Sequence[Finding]
    acted: bool
    seconds: float

    @property
    def named(self) -> list[Finding]:
        return [finding for finding in self.findings if named_by(self.mutation.places, finding.place)]

    @property
    def outcome(self) -> str:
        if not self.findings and not self.acted and isinstance(self.mutation, Mutation) and self.mutation.passing:
            return NOTHING  # there was nothing to change, as where a filter lets everything through
        return CAUGHT if self.named else ELSEWHERE if self.findings else MISSED


def drawn(seed: int, world: World, only: Iterable[str] = ()) -> Mutation:
    """The mutation of a seed: the same for the same instance."""
    dice = Random(seed)
    table = {name: row for name, row in GRAMMAR.items() if not only or name in only}
    while True:
        name = dice.choices(list(table), [weight for weight, _ in table.values()])[0]
        if mutation := table[name][1](dice, world):
            return mutation


class Adversary:
    """One upgraded instance behind a proxy in which mutations act, one at a time."""

    def __init__(self, upgraded: Upgraded, proxy: Proxy, creations: Mapping[str, str]) -> None:
        self._upgraded = upgraded
        self._proxy = proxy
        self._written = True
        self._instance = self._fresh()
        proxy.remembers = True
        self.clean: Snapshot = upgraded.look(self._instance, "clean.sqlite")
        self.alarms: Sequence[Finding] = upgraded.compared(self.clean)
        self.world: World = world_of(self.clean, upgraded.keys[ADMINISTRATOR].reveal(), proxy.headers(), creations)

    def _fresh(self) -> TestInstance:
        """The instance as it was right after the upgrade."""
        if self._written:
            restored = self._upgraded.restored()
            self._proxy.use(restored.url)
            self._instance = replace(restored, url=self._proxy.url)
            self._written = False
        return self._instance

    def play(self, seed: int, mutation: Mutation) -> Judged:
        began = time.monotonic()
        instance = self._fresh()
        self._proxy.mutation = mutation
        self._proxy.acted = "slow" in mutation.kind or "let in" in mutation.kind
        findings: list[Finding] = []
        try:
            if mutation.looks:
                self._proxy.remembers = True
                findings += self._upgraded.compared(self._upgraded.look(instance, "mutated.sqlite"))
            if mutation.live:
                self._proxy.remembers = False
                self._written = True
                findings += self._upgraded.tried(instance, self.clean, mutation.live)
        finally:
            self._proxy.mutation = None
        return Judged(seed, mutation, findings, self._proxy.acted, time.monotonic() - began)

    def rehearse(self, bench: Bench, seed: int, mutation: Mutation) -> Judged:
        """The mutation from the start of the upgraded server on, with everything that a rehearsal does after it."""
        began = time.monotonic()
        self._upgraded.stop()
        self._written = True
        self._proxy.remembers = False
        self._proxy.mutation, self._proxy.acted = mutation, False

        def around(url: str) -> str:
            self._proxy.use(url)
            return self._proxy.url

        try:
            findings = bench.rehearse(around=around).findings
        finally:
            self._proxy.mutation = None
        return Judged(seed, mutation, findings, self._proxy.acted, time.monotonic() - began)

    def damage(self, seed: int) -> Judged | str:
        """The seed's damage to the database, and what is found; SQL Server's words where it refuses the damage."""
        began = time.monotonic()
        instance = self._fresh()
        self._written = True
        with SqlServer(instance.database.server, instance.database.name) as server:
            done = database.drawn(seed, server)
            try:
                for statement in done.statements:
                    server.execute(statement)
            except SqlServerFailure as error:
                return f"{done.sentence}: {error.what}"
        self._proxy.use(self._proxy.upstream)  # what was read before the damage is forgotten
        self._proxy.remembers = True
        findings = self._upgraded.compared(self._upgraded.look(instance, "damaged.sqlite"))
        self._proxy.remembers = False
        findings += self._upgraded.tried(instance, self.clean, ("integrity",))
        return Judged(seed, done, findings, True, time.monotonic() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every mutation was caught and the control found nothing, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", nargs="*", type=int, help="seeds; see --seeds")
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 60), metavar=("FIRST", "LAST"), help="all of these")
    parser.add_argument("--only", nargs="*", default=(), choices=sorted(GRAMMAR), help="parts of the grammar")
    parser.add_argument("--pair", nargs=2, default=("2020.6.4671", "2021.1.7500"), metavar=("FROM", "TO"))
    parser.add_argument("--database", action="store_true", help="damage the database instead")
    parser.add_argument("--whole", action="store_true", help="play each seed in a whole rehearsal")
    parser.add_argument("--verbose", action="store_true", help="print every finding")
    chosen = parser.parse_args(arguments)
    origin, target = map(Version.parse, chosen.pair)
    seeds: Sequence[int] = chosen.seed or range(chosen.seeds[0], chosen.seeds[1] + 1)
    judged: list[Judged] = []
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), origin, target) as bench:
        upgraded = bench.upgraded()
        users = {key.reveal(): name for name, key in upgraded.keys.items()}
        with standing(Proxy(users, "Spaces-1")) as proxy:
            adversary = Adversary(upgraded, proxy, bench.before.baseline.creations)
            for finding in adversary.alarms:
                print(f"FALSE ALARM {_told(finding)}", flush=True)
            for seed in seeds:
                if chosen.database:
                    one = adversary.damage(seed)
                    if isinstance(one, str):
                        print(f"refused   {seed:5} {one}", flush=True)
                        continue
                else:
                    mutation = drawn(seed, adversary.world, chosen.only)
                    one = adversary.rehearse(bench, seed, mutation) if chosen.whole else adversary.play(seed, mutation)
                judged.append(one)
                _tell(one, verbose=chosen.verbose)
    _sum_up(judged)
    return 1 if adversary.alarms or any(one.outcome in (ELSEWHERE, MISSED) for one in judged) else 0


def _tell(one: Judged, *, verbose: bool) -> None:
    print(f"{one.outcome:9} {one.seed:5} {one.mutation.sentence} ({one.seconds:.0f} s)", flush=True)
    shown = one.findings if verbose else (one.named or one.findings)[:1]
    for finding in shown:
        print(f"                  {_told(finding)}", flush=True)


def _told(finding: Finding) -> str:
    kind = "" if finding.kind == "upgrade" else f" ({finding.kind})"
    values = f"{finding.before!r:.60} → {finding.after!r:.60}"
    return f"[{finding.check}] {finding.severity}{kind} at {finding.place[:150]}: {values}"


def _sum_up(judged: Sequence[Judged]) -> None:
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in (one for one in judged if one.outcome != NOTHING):
        kinds[one.mutation.kind][one.outcome] += 1
    print("\n| mutation | drawn | caught | named elsewhere | missed |\n|---|---|---|---|---|")
    for kind, outcomes in [*sorted(kinds.items()), ("all", sum(kinds.values(), Counter[str]()))]:
        print(f"| {kind} | {outcomes.total()} | {outcomes[CAUGHT]} | {outcomes[ELSEWHERE]} | {outcomes[MISSED]} |")


if __name__ == "__main__":
    sys.exit(main())
