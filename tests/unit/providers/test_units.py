"""What systemd tells of an installation, judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.providers.test_systems import Scripted
from tidegate.errors import HarnessError, UsageError
from tidegate.providers.contract import CommandResult
from tidegate.providers.hosts.linux import Linux
from tidegate.providers.hosts.units import Unit, Units, how_it_ended, read_units, unit_name, why_not_ours
from tidegate.providers.hosts.windows import Windows

MINE = "OctopusServer.service"
RUNNING = Unit(MINE, "loaded", "active", "running", 0, "success", "0")
STOPPED = Unit(MINE, "loaded", "inactive", "dead", 0, "success", "0")
AGAIN = Unit(MINE, "loaded", "activating", "auto-restart", 3, "exit-code", "1")
FAILED = Unit(MINE, "loaded", "failed", "failed", 5, "exit-code", "203")
MASKED = Unit(MINE, "masked", "inactive", "dead", 0, "success", "0")
ABSENT = Unit(MINE, "not-found", "inactive", "dead", 0, "success", "0")
ANOTHER = Unit("our-octopus.service", "loaded", "inactive", "dead", 0, "success", "0")

#: What systemctl of systemd 252 prints.
PRINTED = """Result=success
NRestarts=2
ExecMainStatus=0
Id=OctopusServer.service
LoadState=loaded
ActiveState=active
SubState=running

NRestarts=0
Id=our-octopus.service
LoadState=masked
ActiveState=inactive
SubState=dead

"""


def test_what_systemctl_prints_is_read() -> None:
    first, second = read_units(PRINTED)

    assert first == replace(RUNNING, restarts=2)
    assert (second.name, second.load, second.status) == ("our-octopus.service", "masked", "")
    assert read_units("") == ()


@pytest.mark.parametrize(
    ("instance", "unit"), [("OctopusServer", MINE), ("our new\tone", "our-new-one.service"), ("a/b", "ab.service")]
)
def test_a_unit_has_its_instance_s_name_as_octopus_writes_it(instance: str, unit: str) -> None:
    assert unit_name(instance) == unit


@pytest.mark.parametrize("units", [(), (RUNNING,), (STOPPED,), (ABSENT,), (RUNNING, replace(ANOTHER, load="masked"))])
def test_nothing_is_wrong_with_a_unit_of_ours_or_without_systemd(units: tuple[Unit, ...]) -> None:
    assert why_not_ours(units, MINE) is None


@pytest.mark.parametrize(
    ("units", "told", "next_step"),
    [
        ((MASKED,), "OctopusServer.service is masked", "systemctl unmask OctopusServer.service"),
        ((RUNNING, ANOTHER), "our-octopus.service runs this installation as well", "mask our-octopus.service"),
        ((ABSENT, ANOTHER), "our-octopus.service runs this installation as well", "service --install"),
    ],
)
def test_a_unit_that_cannot_be_started_and_one_that_octopus_does_not_know_are_told(
    units: tuple[Unit, ...], told: str, next_step: str
) -> None:
    wrong = why_not_ours(units, MINE)

    assert wrong is not None
    assert told in wrong[0]
    assert next_step in wrong[1]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((), ()),  # no systemd
        ((STOPPED,), (RUNNING,)),
        ((replace(STOPPED, restarts=4),), (RUNNING,)),
        ((replace(RUNNING, restarts=4),), (replace(RUNNING, restarts=4),)),  # it ran, and starting it does nothing
        ((ABSENT,), (ABSENT,)),  # a process of somebody's own
    ],
)
def test_a_unit_that_runs_since_its_start_has_not_ended(before: tuple[Unit, ...], now: tuple[Unit, ...]) -> None:
    assert how_it_ended(before, now, MINE, runs=True) == ""


@pytest.mark.parametrize(
    ("before", "now", "runs", "told"),
    [
        (STOPPED, AGAIN, False, "activating, exit-code, exit status 1, started again 3 times"),
        (STOPPED, replace(RUNNING, restarts=1), True, "started again 1 times"),
        (replace(RUNNING, restarts=1), replace(RUNNING, restarts=2), True, "started again 2 times"),
        (STOPPED, FAILED, False, "failed, exit-code, exit status 203"),
        (STOPPED, STOPPED, False, "inactive, success, exit status 0"),
        (MASKED, MASKED, False, "is masked"),
        (ABSENT, ABSENT, False, "systemd has no OctopusServer.service"),
    ],
)
def test_a_unit_that_ended_since_its_start_is_told_though_it_runs_again(
    before: Unit, now: Unit, runs: bool, told: str
) -> None:
    assert told in how_it_ended((before,), (now,), MINE, runs=runs)


def test_what_systemd_would_start_again_has_not_been_stopped() -> None:
    printed = PRINTED.replace("ActiveState=active", "ActiveState=activating")
    with pytest.raises(HarnessError, match=r"OctopusServer\.service was stopped and is not"):
        Units(Scripted(printed), Linux(), "/opt/octopus", "OctopusServer").require_stopped()
    Units(Scripted(""), Linux(), "/opt/octopus", "OctopusServer").require_stopped()


def test_windows_is_not_asked_for_units() -> None:
    host = Scripted(PRINTED)
    units = Units(host, Windows(), r"C:\Octopus", "OctopusServer")
    units.starting()

    assert (units.how_it_ended(runs=False), host.told) == ("", [])


def test_a_masked_unit_is_refused() -> None:
    host = Scripted(PRINTED.replace("LoadState=loaded", "LoadState=masked"))
    with pytest.raises(UsageError, match="is masked"):
        Units(host, Linux(), "/opt/octopus", "OctopusServer").require_ours()


class Refusing(Scripted):
    """A host whose user is not root, and may not become it."""

    def run(self, what: str, command_line: str, *, timeout: float, stdin: bytes = b"") -> CommandResult:
        result = super().run(what, command_line, timeout=timeout, stdin=stdin)
        return replace(result, exit_code=1) if "sudo -vn" in command_line else result


def test_a_user_who_may_not_stop_the_unit_is_refused_where_there_is_one() -> None:
    mine = PRINTED.partition("\n\n")[0]

    assert Units(Scripted(mine), Linux(), "/opt/octopus", "OctopusServer").require_ours() == f"{MINE} is active"
    with pytest.raises(UsageError, match="is not root on the machine"):
        Units(Refusing(mine), Linux(), "/opt/octopus", "OctopusServer").require_ours()
    absent = mine.replace("LoadState=loaded", "LoadState=not-found")
    told = Units(Refusing(absent), Linux(), "/opt/octopus", "OctopusServer").require_ours()
    assert told == "systemd has no unit of it"
