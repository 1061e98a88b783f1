"""The ``database`` command: create, upgrade, drop, grant; point the instance at a database."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyodbc

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import CONNECTION_STRING, MASTER_KEY
from standins.octopus.command.invocation import Invocation
from standins.octopus.crypto import MasterKey, WrongMasterKey
from standins.octopus.schema.certificate import store_new_certificate, stored_certificate, verify_master_key
from standins.octopus.schema.compatibility import check_compatibility
from standins.octopus.schema.database import Database
from standins.octopus.schema.history import applied_scripts
from standins.octopus.schema.pausing import pause_where_wanted
from standins.octopus.schema.upgrader import Interference, UpgradeFailed, Upgrader
from standins.octopus.store.connection import database_name, with_database

_COLLATION: Final = "Latin1_General_CI_AS"  # of a database that Octopus creates, Octopus docs


def database(call: Invocation) -> int:
    _save_settings(call)
    if grant := call.options.get("grant"):
        _grant(call, grant)
    if call.options.has("delete"):
        _drop(call)
        return 0
    if call.options.has("create"):
        _create(call)
    if call.options.has("upgrade"):
        _upgrade(call)
    elif call.options.has("connectionString") and not call.options.has("create"):
        _warn_about_key(call)
    return 0


def _save_settings(call: Invocation) -> None:
    values = call.configuration.values
    if connection_string := call.options.get("connectionString"):
        values[CONNECTION_STRING] = connection_string
        call.output.info("The database connection string was updated")
    if key := call.options.get("masterKey"):
        try:
            values[MASTER_KEY] = MasterKey.parse(key).text()
        except ValueError as error:
            raise ControlledFailure(str(error)) from None
        if call.version.major >= 2021 and (current := _existing(call)) is not None:
            _verify(current, call.master_key())
            current.close()
    if call.options.has("connectionString") or call.options.has("masterKey"):
        call.configuration.save()


def _existing(call: Invocation) -> Database | None:
    """The instance's database with a schema in it, or None when there is none."""
    try:
        found = Database(call.connection_string)
    except pyodbc.Error as error:
        if "(4060)" in str(error):  # cannot open the database requested by the login
            return None
        raise _unreachable(error) from None
    if applied_scripts(found):
        return found
    found.close()
    return None


def _unreachable(error: pyodbc.Error) -> ControlledFailure:
    """The driver's message names server and login, never the password."""
    return ControlledFailure(f"The database could not be reached: {error.args[-1] if error.args else error}")


def _create(call: Invocation) -> None:
    name = database_name(call.connection_string)
    existing = _existing(call)
    if existing is not None:
        existing.close()
        call.output.info(f"The database '{name}' already exists. A new database will not be created.")
        if not call.configuration.values.get(MASTER_KEY):
            raise ControlledFailure(
                f"The database '{name}' already exists, so its master key is needed: use --masterKey to provide it"
            )
        return
    if not call.configuration.values.get(MASTER_KEY):
        call.output.info("Generating a new master key")
        call.configuration.values[MASTER_KEY] = MasterKey.generate().text()
        call.configuration.save()
    call.output.info(f"Creating database '{name}'")
    _create_database(call, name)
    target = Database(call.connection_string)
    try:
        call.output.info("Installing the database schema")
        _bring_up_to_date(call, target, check_license=False)
        if stored_certificate(target) is None:
            store_new_certificate(target, call.master_key())
    finally:
        target.close()
    call.output.info(f"The database '{name}' was created")


def _create_database(call: Invocation, name: str) -> None:
    try:
        master = Database(with_database(call.connection_string, "master"))
    except pyodbc.Error as error:
        raise _unreachable(error) from None
    try:
        if not master.run("SELECT 1 FROM sys.databases WHERE name = ?", name):
            master.run(f"CREATE DATABASE [{name.replace(']', ']]')}] COLLATE {_COLLATION}")
    finally:
        master.close()


def _upgrade(call: Invocation) -> None:
    target = _existing(call)
    if target is None:
        raise ControlledFailure(
            f"The database '{database_name(call.connection_string)}' does not exist or has no Octopus schema. "
            "Use 'database --create' to create it."
        )
    try:
        if not call.options.has("skipDatabaseCompatibilityCheck"):
            check_compatibility(target, call.version)
        _verify(target, call.master_key())
        _bring_up_to_date(call, target, check_license=not call.options.has("skipLicenseCheck"))
    finally:
        target.close()


def _bring_up_to_date(call: Invocation, target: Database, *, check_license: bool) -> None:
    configuration = call.configuration
    call.output.open_log(configuration.home / "Logs")
    upgrader = Upgrader(
        target,
        call.version,
        Path(configuration.home),
        configuration.node_name,
        _until_power_cut(call.output.info),
        interference(call),
    )
    try:
        upgrader.run(check_license=check_license)
    except UpgradeFailed as failure:
        call.output.error(f"{type(failure.__cause__).__name__}: {failure.__cause__}")
        raise ControlledFailure(failure.hint) from failure


def _until_power_cut(log: Callable[[str], None]) -> Callable[[str], None]:
    """A log that ends the process, as a killed container does, at the line that ``OCTOPUS_STANDIN_POWER_CUT`` names."""
    wanted = os.environ.get("OCTOPUS_STANDIN_POWER_CUT")
    if not wanted:
        return log

    def write(line: str) -> None:
        log(line)
        if wanted in line:
            os.kill(os.getpid(), signal.SIGKILL)

    return write


def interference(call: Invocation) -> Interference:
    """Seeded regressions in the upgrade itself; none unless the environment asks for one."""
    disturbance = Interference()
    if call.regressions:
        from standins.octopus.regressions import modules  # noqa: PLC0415 - only where regressions are seeded

        for module in modules(call.regressions):
            if hasattr(module, "disturb_schema"):
                module.disturb_schema(disturbance, call.version)
    pause_where_wanted(disturbance)
    return disturbance


def _verify(target: Database, key: MasterKey) -> None:
    try:
        verify_master_key(target, key)
    except WrongMasterKey:
        raise ControlledFailure(
            "The master key does not match the database: it cannot decrypt the server's certificate. "
            "Use the master key of the server that this database came from."
        ) from None


def _warn_about_key(call: Invocation) -> None:
    current = _existing(call)
    if current is None or not call.configuration.values.get(MASTER_KEY):
        return
    try:
        verify_master_key(current, call.master_key())
    except WrongMasterKey:
        call.output.warn("The master key of this instance cannot decrypt the data in this database.")
    finally:
        current.close()


def _drop(call: Invocation) -> None:
    name = database_name(call.connection_string).replace("]", "]]")
    master = Database(with_database(call.connection_string, "master"))
    try:
        master.run(f"ALTER DATABASE [{name}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        master.run(f"DROP DATABASE [{name}]")
    finally:
        master.close()
    call.output.info(f"The database '{name}' was deleted")


def _grant(call: Invocation, login: str) -> None:
    quoted = login.replace("]", "]]")
    text = login.replace("'", "''")
    target = Database(call.connection_string)
    try:
        target.run(
            f"IF NOT EXISTS (SELECT 1 FROM sys.database_principals WHERE name = N'{text}') "
            f"CREATE USER [{quoted}] FOR LOGIN [{quoted}]"
        )
        target.run(f"ALTER ROLE [db_owner] ADD MEMBER [{quoted}]")
    finally:
        target.close()
    call.output.info(f"'{login}' was made a member of db_owner")
