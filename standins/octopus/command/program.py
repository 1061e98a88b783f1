"""The entry point: which command, which version, and what its failure means for the exit code."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from standins.octopus.command import failures
from standins.octopus.command.catalogue import COMMANDS, Command, find
from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.invocation import Invocation
from standins.octopus.command.options import parse_options
from standins.octopus.command.output import Output
from standins.octopus.contract import Version


def main(arguments: Sequence[str]) -> int:
    folder, rest = _install_folder(arguments)
    output = Output(quiet="--noconsolelogging" in (argument.lower() for argument in rest))
    try:
        return _run(folder, rest, output)
    except ControlledFailure as failure:
        output.fatal(str(failure))
        return failures.CONTROLLED_FAILURE
    except KeyboardInterrupt:
        return failures.SUCCESS
    except Exception as error:  # noqa: BLE001 - the border of the process: everything becomes an exit code
        if _is_expected(error):
            output.fatal(str(error))
            return failures.CONTROLLED_FAILURE
        output.error("=" * 79)
        output.fatal(f"{type(error).__name__}: {error}")
        output.error(traceback.format_exc())
        return failures.UNEXPECTED
    finally:
        output.close()


def _run(folder: Path, arguments: Sequence[str], output: Output) -> int:
    version = installed_version(folder)
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", ())
    if name.lower() in ("help", "--help", "-h"):
        _help(version, output)
        return failures.SUCCESS if arguments else failures.UNKNOWN_COMMAND
    command = find(name, version)
    if command is None:
        output.error(f"Unknown command: {name}")
        _help(version, output)
        return failures.UNKNOWN_COMMAND
    if not command.target:
        raise ControlledFailure(f"The command '{command.name}' is not available on this platform")
    options = parse_options(rest, command.values, command.flags)
    if options.has("help"):
        _help_command(command, output)
        return failures.SUCCESS
    module, _, function = command.target.partition(":")
    target: Callable[[Invocation], int] = getattr(
        importlib.import_module(f"standins.octopus.command.{module}"), function
    )
    return target(Invocation(command.name, version, folder, options, output))


def _install_folder(arguments: Sequence[str]) -> tuple[Path, Sequence[str]]:
    if len(arguments) >= 2 and arguments[0] == "--install-folder":
        return Path(arguments[1]), arguments[2:]
    return Path.cwd(), arguments


def installed_version(folder: Path) -> Version:
    try:
        release = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ControlledFailure(f"'{folder}' is no installation of Octopus Server: {error}") from None
    return Version.parse(release["Version"])


def _is_expected(error: Exception) -> bool:
    """Failures that carry their own explanation. Looked up by module, so that nothing is imported for it."""
    expected = {
        "standins.octopus.schema.compatibility": "Incompatible",
        "standins.octopus.schema.prechecks": "PrecheckFailed",
        "standins.octopus.schema.upgrader": "UpgradeFailed",
        "standins.octopus.store.connection": "BadConnectionString",
        "standins.octopus.crypto": "WrongMasterKey",
    }
    return any(
        module in sys.modules and isinstance(error, getattr(sys.modules[module], name))
        for module, name in expected.items()
    )


def _help(version: Version, output: Output) -> None:
    output.result(f"Octopus Deploy: Octopus.Server version {version}\n\nUsage: octopus.server <command> [<options>]\n")
    output.result("Where <command> is one of:\n")
    for command in COMMANDS:
        if command.in_force(version):
            output.result(f"  {command.name:22}{command.description}")


def _help_command(command: Command, output: Output) -> None:
    output.result(
        f"Usage: octopus.server {command.name} [<options>]\n\n{command.description}\n\nWhere [<options>] is any of:\n"
    )
    for name in command.values:
        output.result(f"      --{name}=VALUE")
    for name in command.flags:
        output.result(f"      --{name}")
    output.result("\nOr one of the common options:\n\n      --instance=VALUE\n      --config=VALUE\n      --help")
