"""Requests that were good but for one value: no writing operation crashes, and each answers with a status it lists.

schemathesis makes bodies up from their schema; most are refused at the door. A body that was taken as it was, with one
value replaced, comes much further in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.support.octopus_sample import connection_string
from tests.support.octopus_server import ADMIN_KEY, octopus_process
from tests.wire.octopus.fuzzing.mutations import Mutant, bodies, envelopes, header_values, paths
from tests.wire.octopus.fuzzing.operations import operations
from tests.wire.octopus.fuzzing.recording import Operation, Recording
from tests.wire.sqlserver.drivers import Address
from tests.wire.sqlserver.processes import server_process

VERSIONS = ("2018.8.0", "2020.5.256", "2025.4.10338")
OLDER = ("2019.13.5", "2022.3.10957")

#: Mutants of each operation: of its body, of its path and query, of its envelope.
FEW, MANY = (3, 1, 1), (400, 100, 40)


@dataclass(slots=True)
class Outcome:
    """What came of the mutants."""

    crashed: list[str] = field(default_factory=list[str])
    unlisted: list[str] = field(default_factory=list[str])
    statuses: Counter[int] = field(default_factory=Counter[int])

    def count(self, operation: Operation, mutant: Mutant, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        said = f"{operation.name} [{mutant.what}] {answer.status_code}"
        if answer.status_code >= 500 and answer.status_code != 501:
            trace = str(answer.json().get("FullException", ""))
            self.crashed.append(f"{said}\n{trace[-700:]}")
        elif answer.status_code not in operation.statuses | mutant.statuses:
            self.unlisted.append(said)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    with server_process(tmp_path_factory.mktemp("sqlserver"), ["-m", "standins.sqlserver"]) as running:
        yield running.address


def mutants(operation: Operation, random: Random, how_many: tuple[int, int, int]) -> Iterator[Mutant]:
    of_body, of_path, of_envelope = how_many
    yield from bodies(operation.path, operation.body, random, of_body)
    for made, wanted in (
        (list(paths(operation.template, operation.path, operation.body)), of_path),
        (list(envelopes(operation.path, operation.body)), of_envelope),
    ):
        yield from random.sample(made, min(wanted, len(made)))


def send(client: httpx.Client, operation: Operation, mutant: Mutant) -> httpx.Response:
    return client.request(
        operation.method, mutant.path, content=mutant.content, headers=header_values(mutant.headers), timeout=60
    )


def ask(client: Recording, known: list[Operation], seed: int, how_many: tuple[int, int, int]) -> Outcome:
    """The mutants of all operations; those that delete come last, so that there is something to change until then."""
    outcome, random = Outcome(), Random(seed)
    for operation in sorted(known, key=lambda entry: entry.method == "DELETE"):
        for mutant in mutants(operation, random, how_many):
            outcome.count(operation, mutant, send(client.http, operation, mutant))
    return outcome


def reads_that_fail(client: Recording, document: dict[str, Any], known: list[Operation]) -> list[str]:
    """What was taken must be shown again: every list, and every thing that was written to."""
    wanted = {path for path in document["paths"] if "{" not in path and "get" in document["paths"][path]}
    wanted |= {operation.path for operation in known if "get" in document["paths"][operation.template]}
    failed: list[str] = []
    for path in sorted(wanted):
        answer = client.http.get(path)
        if answer.status_code >= 500 and answer.status_code != 501:
            failed.append(f"GET {path}: {answer.text[-900:]}")
    return failed


@pytest.mark.parametrize(
    ("version", "seed", "how_many"),
    [
        *((version, 1, FEW) for version in VERSIONS),
        *(pytest.param(version, 2, MANY, marks=pytest.mark.thorough) for version in (*VERSIONS, *OLDER)),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_one_wrong_value_crashes_nothing(
    database: Address, version: str, seed: int, how_many: tuple[int, int, int], tmp_path: Path
) -> None:
    connection = connection_string(database, f"Mutants{version.replace('.', '_')}{seed}")
    with octopus_process(version, connection, tmp_path) as server:
        document: dict[str, Any] = httpx.get(f"{server.url}/api/swagger.json", timeout=60).json()
        client = Recording(server.url, ADMIN_KEY, version, document)
        known = operations(client, document)
        outcome = ask(client, known, seed, how_many)
        failed = reads_that_fail(client, document, known)
        still = client.send("GET", "/api/users/me").status_code
        client.close()

    assert "\n".join(outcome.crashed) == ""
    assert outcome.unlisted == []
    assert failed == []
    assert still == 200, "a mutant shut the caller out: the rest was only refused"
    missed = [operation.name for operation in known if operation.body and not operation.taken]
    assert missed == [] or len(missed) < len(known) * 0.1, missed
    assert sum(operation.taken for operation in known) > len(known) * 0.5
    assert outcome.statuses[200] + outcome.statuses[201] > 0
