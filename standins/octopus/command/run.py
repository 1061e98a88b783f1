"""The ``run`` command: the server in the foreground."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyodbc

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import LISTEN_PREFIXES
from standins.octopus.command.invocation import Invocation
from standins.octopus.server import Settings, parse_prefix, stop_on_signals
from standins.octopus.server import run as serve
from standins.octopus.store.connection import database_name, parse_connection_string

if TYPE_CHECKING:
    from pathlib import Path


def run(call: Invocation) -> int:
    stop = threading.Event()
    stop_on_signals(stop, with_stdin=call.options.has("exit-with-stdin"))
    configuration = call.configuration
    call.output.open_log(configuration.home / "Logs")
    _announce(call, configuration.home)
    host, port = parse_prefix(configuration.values.get(LISTEN_PREFIXES, ""))
    settings = Settings(
        version=call.version,
        connection_string=call.connection_string,
        master_key=call.master_key(),
        home=configuration.home,
        node_name=configuration.node_name,
        host=host,
        port=port,
        regressions=call.regressions,
        check_compatibility=not call.options.has("skipDatabaseCompatibilityCheck"),
        check_schema=not call.options.has("skipDatabaseSchemaUpgradeCheck"),
    )
    try:
        serve(settings, call.output.info, stop)
    except pyodbc.Error as error:
        raise ControlledFailure(f"The database could not be used: {error.args[-1]}") from error
    except OSError as error:
        raise ControlledFailure(f"The server could not listen on {host}:{port}: {error.strerror}") from error
    return 0


def _announce(call: Invocation, home: Path) -> None:
    """The lines of OctopusDeploy/Issues#7427."""
    output = call.output
    output.info("==== RunCommand ====")
    output.info(f"CommandLine: Octopus.Server {call.name} --instance {call.instance_name}")
    output.info(f"Octopus.Server.dll version {call.version} (Octopus Server stand-in)")
    output.info("Verifying Octopus directory contents...")
    output.info(" - PASS: All expected files are present")
    output.info(" - PASS: All files have the expected version")
    output.info(" - PASS: There are no extra files")
    output.info(f"Using instance {call.instance_name}")
    server = parse_connection_string(call.connection_string).get("server", "")
    output.info(f"Using database data source={server};initial catalog={database_name(call.connection_string)}")
    output.info(f"Home directory: {home}")
    output.info("Testing the built-in worker configuration.")
