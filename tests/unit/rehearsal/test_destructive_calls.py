"""Every call that destroys, stops or writes, read from the code, with what keeps it away from the main instance.

A new one that nobody listed fails here; so does a listed one that lost its guard.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
DATABASES: Final = {"drop_database", "replace_database", "restore_database"}
FOLDERS: Final = {"rmtree", "unlink", "rmdir", "put_back", "truncate"}
STATEMENTS: Final = {"DROP", "DELETE", "UPDATE", "ALTER", "RESTORE", "TRUNCATE", "INSERT", "MERGE", "KILL"}

#: Functions that ask a guard themselves, by what they call. The guards raise `MainInstanceProtected`.
GUARDED: Final = {
    "tidegate/rehearsal/clone.py::clone_test_instance": (
        "assert_not_main",
        "assert_folders_are_not_main",
        "assert_database_is_not_main",
    ),
    "tidegate/rehearsal/clone.py::remove_test_instance": ("assert_clone_may_be_replaced",),
    "tidegate/rehearsal/clone.py::prove_clone": ("assert_server_is_not_main",),
    "tidegate/rehearsal/making.py::dropped_on_failure": ("assert_not_main",),
    "tidegate/rehearsal/subset.py::make_subset_instance": (
        "assert_not_main",
        "assert_folders_are_not_main",
        "assert_server_is_not_main",
        "assert_database_is_not_main",
    ),
    "tidegate/rehearsal/upgrade.py::upgrade_test_instance": (
        "assert_not_main",
        "assert_made_by_a_rehearsal",
        "assert_database_is_not_main",
        "assert_server_is_not_main",
    ),
    "tidegate/rehearsal/aftermath.py::come_back": ("permission",),
    "tidegate/rehearsal/aftermath.py::go_on_as_before": ("permission",),
    "tidegate/rehearsal/rollback.py::roll_back": ("permission",),
    "tidegate/rehearsal/rollback.py::roll_back_without_restore": ("permission",),
    "tidegate/rehearsal/rollback.py::_put_folders_back": ("permission",),
    "tidegate/rehearsal/rollback.py::_forget_asides": ("permission",),
    "tidegate/rehearsal/rollback.py::_start_previous": ("permission",),
    "tidegate/sqlserver/restore.py::replace_database": ("permission",),
    "tidegate/sqlserver/restore.py::drop_database": ("OwnedDatabase.parse",),
    "fixtures/test_instance.py::observers": ("assert_server_is_not_main",),
    "fixtures/test_instance.py::baseline": ("live_context_of",),
    "fixtures/live_checks.py::live_checks": ("live_context_of",),
    "fixtures/upgraded_instance.py::_live": ("live_context_of",),
    "fixtures/faults/lab.py::FaultLab.live": ("assert_server_is_not_main",),
    # The cut-over works on the main instance; its permission is that the database is the approved instance's.
    "tidegate/cutover/procedure.py::Procedure._stop": ("_permission",),
    "tidegate/cutover/procedure.py::Procedure._install": ("_permission",),
    "tidegate/cutover/procedure.py::Procedure._resume": ("_permission",),
    # By labels or names that only a rehearsal gives.
    "tidegate/providers/containers/reaper.py::_remove": ("Labels.read",),
    "tidegate/sqlserver/reaper.py::reap_databases": ("owned_databases",),
    "tidegate/providers/hosts/sql_server.py::drop_databases_of": ("owned_databases", "belongs_to"),
    "tidegate/cutover/procedure.py::Procedure._drop_scratch": ("owned_databases",),
    "tidegate/rehearsal/maintenance.py::recover": ("OwnedDatabase.parse",),
}

#: Functions whose writes to the main instance are the purpose: announced in a journal before, undone after.
ANNOUNCED: Final = {
    "tidegate/rehearsal/maintenance.py::MainWrites.maintenance_mode",
    "tidegate/rehearsal/maintenance.py::MainWrites.backup_file",
    "tidegate/rehearsal/maintenance.py::MainWrites.project_export",
    "tidegate/rehearsal/maintenance.py::MainWrites.migration_export",
    "tidegate/rehearsal/maintenance.py::MainWrites.scratch_database.drop",
    "tidegate/rehearsal/maintenance.py::_delete_exports",
    "tidegate/rehearsal/maintenance.py::_undo_dead_migration",
    "tidegate/cutover/procedure.py::Procedure._client",
    "tidegate/cutover/procedure.py::Procedure._back_up",
    "tidegate/cutover/procedure.py::Procedure._start",
    # One's container, for the cut-over alone, and only after the record of what it was.
    "tidegate/providers/containers/main_container.py::MainContainer.install",
    "tidegate/providers/containers/main_container.py::MainContainer.settled",
}

#: Modules and functions that touch nothing but what the same run, or one that is dead, made, with why.
OWN: Final = {
    "tidegate/observation/": "the snapshot's files, and the SQLite in them",
    "tidegate/reporting/": "papers of the run",
    "tidegate/octopus/downloads.py::": "a half-finished download",
    "tidegate/providers/embedded": "folders and processes of a run folder",
    "tidegate/providers/leftovers.py::": "what a journal of a run folder names",
    "tidegate/providers/containers/provision.py::": "the run's folder and its own containers",
    "tidegate/providers/containers/sql_server.py::": "the run's own container",
    "tidegate/providers/hosts/host.py::ServerHost.remove": "the run's folder on the host",
    "tidegate/providers/hosts/provision.py::": "the run's own host",
    "tidegate/providers/hosts/preflight.py::": "a probe that it wrote itself; a statement that is only shown",
    "tidegate/providers/hosts/reaper.py::": "folders whose name says that a run made them",
    "tidegate/doctor/database.py::": "a statement that is only shown",
    "tidegate/checks/live/": "clients of the context, whose guard is asked before each check",
    "tidegate/rehearsal/folders.py::_copy": "a copy that turned out torn",
    "tidegate/rehearsal/folders.py::put_back": "called with a permission alone: by _put_folders_back",
    "tidegate/rehearsal/recovery.py::_undo": "the journal of an embedded main instance",
    "tidegate/rehearsal/upgrade.py::_back_up": "an earlier backup of the same clone",
    "tidegate/sqlserver/backup.py::": "copies for verification, under names of a rehearsal",
    "tidegate/sqlserver/restore.py::restore_database": "makes a database, and replaces none",
    "tidegate/sqlserver/sanitise.py::": "called on a clone alone, after assert_database_is_not_main",
    "fixtures/backup.py::": "the run's own copy of the backup set",
    "fixtures/faults/": "the lab's own embedded servers",
    "fixtures/main_instance.py::main_writes": "the journal of writes that were all undone",
    "fixtures/plugins/": "what a worker of the run wrote",
    "fixtures/upgraded_instance.py::way_back": "the run's own rollback point",
}


def destructive(node: ast.AST) -> str:
    """What is destructive about this node by itself; "" when nothing is."""
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "Access.FULL":
        return "may write over the API"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        verb, space, rest = node.value.lstrip().partition(" ")
        return f"SQL {verb}" if space and verb in STATEMENTS and rest[:1] not in ("", "(") else ""
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name in DATABASES | FOLDERS:
        return name
    if name in {"stop", "remove"} and owner.endswith("host"):
        return f"host.{name}"
    if name == "remove" and (owner.endswith("system") or {"force", "v"} & {one.arg for one in node.keywords}):
        return f"{owner}.remove"
    return ""


def functions(code: str, module: str) -> Iterator[tuple[str, ast.AST, list[str]]]:
    """Each innermost function with what is destructive in it."""

    def walk(
        node: ast.AST, names: tuple[str, ...], inside: ast.AST, found: dict[str, tuple[ast.AST, list[str]]]
    ) -> None:
        for child in ast.iter_child_nodes(node):
            is_scope = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            scope = (*names, child.name) if is_scope else names
            if what := destructive(child):
                found.setdefault(f"{module}::{'.'.join(scope)}", (inside, []))[1].append(what)
            walk(child, scope, child if is_scope and not isinstance(child, ast.ClassDef) else inside, found)

    sites: dict[str, tuple[ast.AST, list[str]]] = {}
    tree = ast.parse(code)
    walk(tree, (), tree, sites)
    for name, (body, whats) in sites.items():
        yield name, body, whats


def sites() -> dict[str, tuple[ast.AST, list[str]]]:
    found: dict[str, tuple[ast.AST, list[str]]] = {}
    for top in ("tidegate", "fixtures", "steps"):
        for path in sorted((ROOT / top).rglob("*.py")):
            module = path.relative_to(ROOT).as_posix()
            for name, body, whats in functions(path.read_text(encoding="utf-8"), module):
                found[name] = (body, whats)
    return found


SITES: Final = sites()


def calls(body: ast.AST) -> set[str]:
    """Names of what is called, also as the last part of a longer one."""
    names = {ast.unparse(node.func) for node in ast.walk(body) if isinstance(node, ast.Call)}
    return names | {name.rpartition(".")[2] for name in names}


@pytest.mark.parametrize("name", sorted(SITES))
def test_every_destructive_call_has_something_that_keeps_it_from_the_main_instance(name: str) -> None:
    body, whats = SITES[name]

    if name in GUARDED:
        assert set(GUARDED[name]) <= calls(body), f"{name} ({', '.join(whats)}) lost a guard"
    else:
        known = name in ANNOUNCED or any(name.startswith(one) for one in OWN)
        assert known, f"{name}: {', '.join(whats)}: which guard keeps this from the main instance?"


def test_nothing_is_listed_that_is_gone() -> None:
    assert not (set(GUARDED) | ANNOUNCED) - set(SITES)
    assert not [one for one in OWN if not any(name.startswith(one) for name in SITES)]


@pytest.mark.parametrize(
    "code",
    [
        "def f(): drop_database(server, name)",
        "def f(): shutil.rmtree(folder)",
        "def f(): (folder / name).unlink()",
        'def f(): server.execute("DELETE FROM dbo.Project")',
        'def f(): server.execute(f"ALTER DATABASE {quoted(name)} SET OFFLINE")',
        "def f(): OctopusClient(url, key, access=Access.FULL)",
        "def f(self): self._host.stop()",
        "def f(): container.remove(force=True)",
        "def f(): run(self._system.remove(root))",
    ],
)
def test_each_kind_of_destructive_call_is_seen(code: str) -> None:
    assert [name for name, _, _ in functions(code, "new.py")] == ["new.py::f"]


def test_a_call_whose_guard_was_taken_away_is_seen() -> None:
    name = "tidegate/rehearsal/clone.py::remove_test_instance"
    code = (ROOT / "tidegate/rehearsal/clone.py").read_text(encoding="utf-8")
    unguarded = code.replace("    assert_clone_may_be_replaced(instance, main)\n", "")

    [body] = [body for site, body, _ in functions(unguarded, "tidegate/rehearsal/clone.py") if site == name]

    assert unguarded != code
    assert not set(GUARDED[name]) <= calls(body)
