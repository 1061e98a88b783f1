"""The stand-in against the document a real server made of itself; docs/fidelity.md has the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fidelity import VERSION, measure, report
from tests.support.octopus_fidelity import Outcome
from tests.support.octopus_sample import connection_string, filled_server
from tests.support.swagger_document import SwaggerDocument
from tests.wire.sqlserver.processes import server_process

ROOT = Path(__file__).parents[4]
DOCUMENT = ROOT.parent / "shared" / "data" / "octopus-swagger-2020.5.json"

Measured = tuple[list[Outcome], list[Outcome]]

pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(), reason=f"the real document is not beside the checkout ({DOCUMENT.relative_to(ROOT.parent)})"
)


@pytest.fixture(scope="module")
def document() -> SwaggerDocument:
    return SwaggerDocument.read(DOCUMENT)


@pytest.fixture(scope="module")
def measured(document: SwaggerDocument, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("fidelity")
    with server_process(folder, ["-m", "standins.sqlserver"]) as database:
        connection = connection_string(database.address, "Fidelity")
        with filled_server(VERSION, connection, folder / "octopus") as server:
            yield measure(server.url, document)


def test_most_of_what_a_real_server_reads_is_served(measured: Measured) -> None:
    gets = [outcome for outcome in measured[0] if outcome.operation.method == "GET"]
    served = [outcome for outcome in gets if outcome.is_served]

    assert len(gets) == 478
    assert len(served) / len(gets) >= 0.9, _listed(outcome for outcome in gets if not outcome.is_served)


def test_most_of_what_a_real_server_does_is_served(measured: Measured) -> None:
    served = [outcome for outcome in measured[0] if outcome.is_served]

    assert len(served) / len(measured[0]) >= 0.75


def test_no_answer_contradicts_the_documents_schema(measured: Measured) -> None:
    assert not [(outcome.operation.path, outcome.deviations) for outcome in measured[0] if outcome.is_contradicting]
    assert not [(outcome.operation.path, outcome.deviations) for outcome in measured[1] if outcome.is_contradicting]


def test_everything_is_answered_or_left_out_by_name(measured: Measured) -> None:
    missing = {outcome.operation.path for outcome in measured[0] if outcome.verdict == "missing"}

    # The token of a Let's Encrypt challenge exists for seconds only, and its 404 is in no document.
    assert missing <= {"/.well-known/acme-challenge//{token}"}


def test_what_was_read_can_be_saved_back(measured: Measured) -> None:
    refused = {outcome.operation.path: outcome.examples for outcome in measured[1] if set(outcome.statuses) != {200}}

    assert len(measured[1]) >= 40
    # Folders are changed on the command line.
    assert set(refused) <= {"/api/configuration/{id}/values"}, refused


def test_the_page_says_what_is_measured(document: SwaggerDocument, measured: Measured) -> None:
    page = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")

    assert page == report(document, *measured), (
        "run `python -m benchmarks.fidelity --document … --write docs/fidelity.md`"
    )


def test_a_wrong_type_an_unknown_word_and_a_new_property_are_told_apart(document: SwaggerDocument) -> None:
    schema = {"$ref": "#/definitions/TaskResource"}

    wrong = document.deviations(schema, {"Id": 7, "State": "Sleeping"})
    new = document.deviations(schema, {"Id": "ServerTasks-1", "State": "Success", "Mood": "good"})
    fitting = document.deviations(schema, {"Id": "ServerTasks-1", "State": "Success", "ErrorMessage": None})

    assert {(row.kind, row.where) for row in wrong} == {("contradiction", "Id"), ("contradiction", "State")}
    assert [(row.kind, row.what) for row in new] == [("unlisted", "Mood")]
    assert fitting == []


def _listed(outcomes: Iterator[Outcome]) -> str:
    return "\n".join(f"{outcome.operation.path}: {outcome.verdict}" for outcome in outcomes)
