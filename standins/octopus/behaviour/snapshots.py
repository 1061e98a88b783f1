"""Frozen copies of variable sets and processes, which keep a release as it was made.

Ids as recorded: ``deploymentprocess-Projects-1-s-<version>-<5 characters>``, ``variableset-Projects-41-s-0-S6LJL``. An
unchanged document shares its last copy, found by owner and version.
"""

from __future__ import annotations

import copy
import secrets
import string
from collections.abc import Sequence

from standins.octopus.contract import Document, Transaction
from standins.octopus.regressions import hooks

_ALPHABET = string.ascii_uppercase + string.digits


def freeze(transaction: Transaction, kind: str, document: Document) -> str:
    """The id of the frozen copy of a VariableSet, DeploymentProcess or RunbookProcess at its present version."""
    document = hooks.adjust("snapshot", copy.deepcopy(document), kind)
    existing = transaction.query(
        kind, where={"OwnerId": document["OwnerId"], "Version": document["Version"], "IsFrozen": True}
    )
    for candidate in existing:
        if not differs(candidate, document):
            return candidate["Id"]
    frozen = copy.deepcopy(document)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    frozen["Id"] = f"{document['Id']}-s-{document['Version']}-{code}"
    frozen["IsFrozen"] = True
    transaction.insert(kind, frozen)
    return frozen["Id"]


def differs(one: Document, other: Document) -> bool:
    """Whether the variables or steps of two documents are not the same."""
    return one.get("Variables") != other.get("Variables") or one.get("Steps") != other.get("Steps")


def freeze_project_variables(transaction: Transaction, project: Document) -> str:
    variables = transaction.load("VariableSet", project["VariableSetId"])
    if variables is None:
        raise LookupError(project["VariableSetId"])
    return freeze(transaction, "VariableSet", variables)


def freeze_library_variables(transaction: Transaction, project: Document) -> list[str]:
    """One copy per included library set, in the order of the project."""
    included: Sequence[str] = project.get("IncludedLibraryVariableSetIds") or ()
    if not included:
        return []
    sets = {entry["Id"]: entry["VariableSetId"] for entry in transaction.load_many("LibraryVariableSet", included)}
    ids = [sets[entry] for entry in included if entry in sets]
    found = {entry["Id"]: entry for entry in transaction.load_many("VariableSet", ids)}
    return [freeze(transaction, "VariableSet", found[entry]) for entry in ids if entry in found]
