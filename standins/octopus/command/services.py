"""``service`` and ``checkservices``. The stand-in is no service: whoever starts it watches over its process."""

from __future__ import annotations

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.invocation import Invocation


def service(call: Invocation) -> int:
    raise ControlledFailure(
        f"There is no service manager for instance '{call.instance_name}': "
        "start the server with 'run' and stop it with SIGTERM"
    )


def check(call: Invocation) -> int:
    raise ControlledFailure(f"There is no service manager for instance '{call.options.get('instances') or '*'}'")
