from __future__ import annotations

from tidegate.checks.failed_upgrade import failed_upgrade
from tidegate.checks.finding import Severity
from tidegate.errors import UpgradeFailed
from tidegate.versions import Hop, Version, plan, release_knowledge

ORIGIN, TARGET = Version(2018, 12, 1), Version(2021, 1, 7500)


def hop() -> Hop:
    return plan(ORIGIN, TARGET, release_knowledge()).hops[0]


def test_a_script_that_fails_is_named_with_its_error() -> None:
    error = UpgradeFailed(
        "Octopus.Server database ended with exit code 1 (a failed condition):\n"
        "Beginning transaction\n"
        "Executing SQL Server script 'Octopus.Core.UpgradeScripts.Script0001 - Initial schema.sql'\n"
        "Executing SQL Server script 'Octopus.Core.UpgradeScripts.Script0120PopulateRelatedDocumentTable.cs'\n"
        "Error occured when executing scripts, transaction will be rolled back\n"
        "ArgumentException: Unrecognised document prefix Accounts-1\n"
        "FATAL We encountered an error during the schema upgrade."
    )

    finding = failed_upgrade(error, hop())

    assert (finding.check, finding.severity) == ("UPGRADE", Severity.BREAKING)
    assert finding.place == "schema script Octopus.Core.UpgradeScripts.Script0120PopulateRelatedDocumentTable.cs"
    assert (finding.before, finding.after) == (
        "2018.12.1",
        "ArgumentException: Unrecognised document prefix Accounts-1",
    )


def test_a_server_that_does_not_start_is_another_finding_than_a_script() -> None:
    error = UpgradeFailed(
        "the Octopus Server ended with exit code 100 while starting:\nFATAL Could not resolve WebConfigurationMemento"
    )

    finding = failed_upgrade(error, hop())

    assert (finding.check, finding.place) == ("START", "start of 2021.1.7500")
    assert finding.after == "FATAL Could not resolve WebConfigurationMemento"


def test_a_failure_in_other_words_still_has_a_place_and_its_first_line() -> None:
    finding = failed_upgrade(UpgradeFailed("the installation history ends with nothing\nmore"), hop())

    assert (finding.place, finding.after) == ("upgrade to 2021.1.7500", "the installation history ends with nothing")
