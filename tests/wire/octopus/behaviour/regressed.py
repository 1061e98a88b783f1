"""An instance that was filled at an old version and runs at a newer one, with regressions seeded into that."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.octopus_server import OctopusProcess
from tests.wire.octopus.behaviour.conftest import load_sample
from tests.wire.octopus.behaviour.workshop import Json, Workshop, enter

OLD, NEW = "2020.6.4671", "2021.1.7500"

Serve = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An instance that was filled at the old version and runs at the new one, and what it was like before."""

    shop: Workshop
    server: OctopusProcess
    facts: dict[str, Any]
    before: dict[str, Any]


@contextmanager
def upgraded(serve: Serve, folder: Path, numbers: str) -> Generator[Upgraded]:
    """Fill a server of the old version, then start the new one with these regressions on the same database."""
    database = f"Seeded{uuid.uuid4().hex[:8]}"
    with serve(OLD, database) as server:
        facts = load_sample(server.url, folder / "sample.json")
        with enter(server.url) as shop:
            before = look(shop)
    with ExitStack() as stack:
        with seeded(numbers):
            server = stack.enter_context(serve(NEW, database))
        yield Upgraded(stack.enter_context(enter(server.url)), server, facts, before)


@contextmanager
def seeded(numbers: str) -> Generator[None]:
    """For servers that are started meanwhile."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OCTOPUS_STANDIN_REGRESSIONS", numbers)
        environment.setenv("OCTOPUS_STANDIN_REGRESSION_SECONDS", "1.5")
        yield


def look(shop: Workshop) -> dict[str, Any]:
    """What the data regressions change, as it was."""
    tenant = shop.get("tenants/all")[0]
    return {
        "triggers": {
            item["Id"]: item["Filter"].get("StartTime") for item in shop.get("projecttriggers?take=100")["Items"]
        },
        "tenant": shop.get(f"tenants/{tenant['Id']}/variables"),
        "roles": {role["Name"]: role for role in shop.get("/api/userroles/all")},
        "docker": process_of(shop, "Message bus"),
        "storefront": process_of(shop, "Storefront"),
    }


def process_of(shop: Workshop, name: str) -> Json:
    found: Json = shop.get(f"deploymentprocesses/{shop.named('projects', name)['DeploymentProcessId']}")
    return found


def auditor(shop: Workshop) -> Json:
    return next(role for role in shop.get("/api/userroles/all") if role["Name"] == "Release auditor")


def with_values(variables: Json) -> list[bool]:
    return sorted(_has_value(variables))


def _has_value(value: Any) -> Iterator[bool]:
    if isinstance(value, dict):
        properties = cast("Json", value)
        if "HasValue" in properties:
            yield properties["HasValue"]
        else:
            for item in properties.values():
                yield from _has_value(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _has_value(item)
