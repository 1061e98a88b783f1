"""What exit codes say, the same for every subcommand and for `pytest features/`; the type that subcommands add to."""

from __future__ import annotations

import argparse
from typing import Final, TypeAlias

YES: Final = 0
NO: Final = 1
USAGE: Final = 2
INCOMPLETE: Final = 10
INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells count

#: What `add_subparsers` returns, for which argparse has no public name; at run time it takes no type argument.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]
