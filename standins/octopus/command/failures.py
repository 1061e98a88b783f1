"""How a command ends, and with which exit code.

The codes are those of the host program that Server and Tentacle share (OctopusDeploy/OctopusTentacle).
"""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0
CONTROLLED_FAILURE: Final = 1
UNKNOWN_COMMAND: Final = 2
UNEXPECTED: Final = 100


class ControlledFailure(Exception):
    """Something was wrong that the command foresaw: only the message is shown, as FATAL, and the exit code is 1."""
