"""What a provider is like is known in `tidegate/providers` alone: everything else works with whatever it is given.

Read from the code itself, so that the first branch or import elsewhere fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: Settings declare what can be chosen; they are read by no one but providers.
HOME = ("tidegate/providers/", "tidegate/settings/")
#: Modules of providers that say nothing about what kind of provider there is.
OPEN = {"closing", "contract", "leftovers", "looks", "main_machine", "provision", "stand_ins", "standing"}
#: They make embedded servers because that is what they are for: the sample to explore, and faults at chosen points.
EMBEDDED_BY_PURPOSE = {"tidegate/lab.py", "fixtures/faults/lab.py"}
KINDS = {"embedded", "containers", "container", "host", "hosts"}


def modules() -> list[str]:
    found = [path for top in ("tidegate", "fixtures", "steps") for path in sorted((ROOT / top).rglob("*.py"))]
    names = [path.relative_to(ROOT).as_posix() for path in (*found, ROOT / "conftest.py")]
    return [name for name in names if not name.startswith(HOME)]


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules of `tidegate.providers` that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "tidegate.providers":
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tidegate.providers."):
            yield (node.module or "").removeprefix("tidegate.providers.")
        elif isinstance(node, ast.Import):
            told = (one.name for one in node.names if one.name.startswith("tidegate.providers."))
            yield from (one.removeprefix("tidegate.providers.") for one in told)


def branches(tree: ast.AST) -> Iterator[str]:
    """Comparisons with a kind of provider, and questions whether something is of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            attributes = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
            if "provider" in attributes or ("sql_server" in attributes and texts & KINDS):
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            if _is_kind(ast.unparse(node.args[1])):
                yield ast.unparse(node)
        elif isinstance(node, ast.MatchClass) and _is_kind(ast.unparse(node.cls)):
            yield f"case {ast.unparse(node.cls)}"
        elif isinstance(node, ast.Match) and ast.unparse(node.subject).endswith(".provider"):
            yield f"match {ast.unparse(node.subject)}"


def _is_kind(name: str) -> bool:
    own = ("MainOnHostSettings", "MainInContainerSettings", "EmbeddedMainHostSettings")
    hosts = ("EmbeddedHost", "ContainerHost", "ServerHost", "HostCluster", "EmbeddedMachine", "MainContainer")
    return any(one in name for one in (*own, *hosts))


def parsed(name: str) -> ast.AST:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", modules())
def test_no_module_outside_asks_what_kind_of_provider_there_is(name: str) -> None:
    tree = parsed(name)

    assert list(branches(tree)) == []
    if name not in EMBEDDED_BY_PURPOSE:
        assert sorted(set(imports(tree)) - OPEN) == []


def test_features_speak_of_no_provider() -> None:
    texts = {path.name: path.read_text(encoding="utf-8").lower() for path in (ROOT / "features").glob("*.feature")}

    assert texts
    assert not [name for name, text in texts.items() if "docker" in text or "container" in text or "ssh" in text]


@pytest.mark.parametrize(
    "code",
    [
        'if settings.test_instance.provider == "embedded": pass',
        'if settings.test_instance.sql_server == "container": pass',
        "if isinstance(host, ContainerHost): pass",
        "match main.host:\n  case MainOnHostSettings(): pass",
        'match settings.test_instance.provider:\n  case "host": pass',
    ],
)
def test_each_way_of_branching_is_seen(code: str) -> None:
    assert list(branches(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "from tidegate.providers.containers.host import ContainerHost",
        "from tidegate.providers import embedded",
        "import tidegate.providers.hosts.host",
    ],
)
def test_each_way_of_importing_is_seen(code: str) -> None:
    assert set(imports(ast.parse(code))) - OPEN
