"""The `tidegate` command: what helps around a rehearsal. The rehearsal itself is `pytest features/`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from tidegate import __version__
from tidegate.command import approval, evidence, examining, lab, planning, reaping, reporting
from tidegate.command.exits import INCOMPLETE, INTERRUPTED, USAGE
from tidegate.errors import TidegateError, UsageError
from tidegate.secrets import redact

#: Each adds one subcommand to the parser and names the function that runs it, in the order of `--help`.
_SUBCOMMANDS: Final = (examining.add, planning.add, lab.add, evidence.add, approval.add, reporting.add, reaping.add)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 yes, 1 no, 2 usage or settings, 10 not known."""
    for stream in (sys.stdout, sys.stderr):
        # A build agent's output may be ASCII: an arrow it cannot write must not turn an answer into a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    chosen = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, TextIO], int] = chosen.command
    try:
        return command(chosen, sys.stdout)
    except TidegateError as error:
        sys.stderr.write(f"tidegate: {redact(str(error))}\n")
        return USAGE if isinstance(error, UsageError) else INCOMPLETE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tidegate", description=__doc__)
    parser.add_argument("--version", action="version", version=f"tidegate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _SUBCOMMANDS:
        add(commands)
    return parser
