"""An instance that may be led back to what it was, and who says that it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.errors import MainInstanceProtected
from tidegate.rehearsal.guard import (
    assert_database_is_not_main,
    assert_folders_are_not_main,
    assert_made_by_a_rehearsal,
    assert_not_main,
)
from tidegate.rehearsal.instances import DatabaseAddress, MainInstance, ServerFolders, TestInstance
from tidegate.secrets import Secret
from tidegate.sqlserver.connection import SqlServer
from tidegate.sqlserver.sanitise import installation_id


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rollback happens. ``permission`` is asked before each thing that cannot be undone; it raises
    :class:`tidegate.errors.MainInstanceProtected` unless this is the instance that may be changed."""

    database: DatabaseAddress
    folders: ServerFolders
    api_key: Secret
    installation_id: str
    permission: Callable[[], None]


def clone_place(instance: TestInstance, main: MainInstance) -> Place:
    """A test instance, which may be rolled back as long as nothing about it is the main instance's."""
    return Place(
        instance.database,
        instance.folders,
        instance.api_key,
        instance.identity.installation_id,
        lambda: assert_clone_may_be_replaced(instance, main),
    )


def assert_clone_may_be_replaced(instance: TestInstance, main: MainInstance) -> None:
    """Names, folders and the database itself must all say that this is a clone of ours.

    A database that is being restored, because an earlier rollback was killed, cannot be asked; its name, which only a
    rehearsal gives, and the state that SQL Server reports must do then.
    """
    assert_not_main(main.identity, instance.identity)
    assert_not_main(main.identity, instance.database)
    assert_folders_are_not_main(main.folders, instance.folders)
    assert_made_by_a_rehearsal(instance.database)
    name = instance.database.name
    with SqlServer(instance.database.server) as server:
        state = server.value("SELECT state_desc FROM sys.databases WHERE name = ?", name)
    if state == "ONLINE":
        with SqlServer(instance.database.server, name) as server:
            assert_database_is_not_main(main.identity, server)
            found = installation_id(server).lower()
        if found != instance.identity.installation_id.lower():
            raise MainInstanceProtected(
                f"the database {name} belongs to the instance {found}, not to the clone",
                where=instance.database.server.server,
                next_step="clone the main instance again",
            )
