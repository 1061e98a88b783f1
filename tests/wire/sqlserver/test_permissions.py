"""Logins that are no administrators: what they may do is what they were given, and the refusals have their numbers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.wire.sqlserver.conversation import refused, results, rows, value
from tests.wire.sqlserver.drivers import ALL, MICROSOFT, Address, Driver, each

PASSWORD = "Made-up-1-Rehearsal!"


@dataclass(frozen=True)
class Scene:
    """A database with a table, a view and a procedure, and a login that is a user of it."""

    database: str
    login: str
    address: Address
    admin: Any

    def run(self, statement: str) -> None:
        """As an administrator."""
        results(self.admin, statement)


@pytest.fixture
def scene(driver: Driver, sql_server: Address) -> Iterator[Scene]:
    name = uuid.uuid4().hex[:10]
    database, login = f"rights_{name}", f"login_{name}"
    with closing(driver.connect(sql_server)) as admin:
        results(admin, f"CREATE LOGIN [{login}] WITH PASSWORD = N'{PASSWORD}'")
        results(admin, f"CREATE DATABASE [{database}]")
        results(admin, f"USE [{database}]")
        results(admin, "CREATE TABLE dbo.Item (Id int NOT NULL PRIMARY KEY, N int NOT NULL)")
        results(admin, "INSERT INTO dbo.Item VALUES (1, 10), (2, 20)")
        results(admin, "CREATE VIEW dbo.Numbers AS SELECT N FROM dbo.Item")
        results(admin, "CREATE PROCEDURE dbo.Sum_up AS SELECT SUM(N) FROM dbo.Item")
        results(admin, f"CREATE USER [{login}] FOR LOGIN [{login}]")
        try:
            yield Scene(database, login, replace(sql_server, user=login, password=PASSWORD), admin)
        finally:
            results(admin, "USE master")
            results(admin, f"ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
            results(admin, f"DROP DATABASE [{database}]")
            results(admin, f"DROP LOGIN [{login}]")


@pytest.fixture
def user(driver: Driver, scene: Scene) -> Iterator[Any]:
    with closing(driver.connect(scene.address, scene.database)) as connection:
        yield connection


@each()
def test_every_driver_hears_that_a_table_may_not_be_read(driver: Driver, sql_server: Address) -> None:
    name = f"login_{uuid.uuid4().hex[:10]}"
    with closing(driver.connect(sql_server)) as admin, closing(admin.cursor()) as cursor:
        cursor.execute(f"CREATE LOGIN [{name}] WITH PASSWORD = N'{PASSWORD}'")
        own = replace(sql_server, user=name, password=PASSWORD)
        with (
            closing(driver.connect(own)) as connection,
            closing(connection.cursor()) as asking,
            pytest.raises(Exception, match="permission denied"),
        ):
            asking.execute("CREATE DATABASE of_my_own")
        cursor.execute(f"DROP LOGIN [{name}]")


@each(MICROSOFT)
def test_a_user_without_permissions_may_do_nothing(driver: Driver, scene: Scene, user: Any) -> None:
    assert value(user, "SELECT USER_NAME()") == scene.login
    for statement, number in {
        "SELECT * FROM dbo.Item": 229,
        "SELECT * FROM dbo.Numbers": 229,
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM dbo.Item)": 229,
        "INSERT INTO dbo.Item VALUES (3, 30)": 229,
        "UPDATE dbo.Item SET N = 0": 229,
        "DELETE FROM dbo.Item": 229,
        "EXEC dbo.Sum_up": 229,
        "CREATE TABLE dbo.Mine (i int)": 262,
        "TRUNCATE TABLE dbo.Item": 4701,
        "ALTER TABLE dbo.Item ADD x int NULL": 4902,
        "DROP TABLE dbo.Item": 3701,
        "CREATE DATABASE of_my_own": 262,
        f"ALTER DATABASE [{scene.database}] SET RECOVERY SIMPLE": 5011,
        "CREATE LOGIN another WITH PASSWORD = N'Abc-1234-x!'": 15247,
        "GRANT SELECT ON dbo.Item TO public": 15151,
        f"ALTER ROLE db_owner ADD MEMBER [{scene.login}]": 15151,
        "KILL 32000": 6102,
    }.items():
        refused(user, statement, number)
    assert value(scene.admin, "SELECT SUM(N) FROM dbo.Item") == 30


@each(MICROSOFT)
def test_a_view_and_a_procedure_lend_their_owners_rights(driver: Driver, scene: Scene, user: Any) -> None:
    scene.run(f"GRANT SELECT ON dbo.Numbers TO [{scene.login}]")
    scene.run(f"GRANT EXECUTE ON SCHEMA::dbo TO [{scene.login}]")
    assert rows(user, "SELECT N FROM dbo.Numbers ORDER BY N") == [(10,), (20,)]
    assert value(user, "EXEC dbo.Sum_up") == 30
    refused(user, "SELECT * FROM dbo.Item", 229)
    refused(user, "EXEC sp_executesql N'SELECT * FROM dbo.Item'", 229)


@each(MICROSOFT)
def test_changes_that_look_at_rows_need_the_right_to_read_them(driver: Driver, scene: Scene, user: Any) -> None:
    scene.run(f"GRANT UPDATE, DELETE, INSERT ON OBJECT::dbo.Item TO [{scene.login}]")
    results(user, "UPDATE dbo.Item SET N = 5")
    results(user, "INSERT INTO dbo.Item VALUES (?, ?)", 3, 5)
    refused(user, "UPDATE dbo.Item SET N = 6 WHERE Id = 1", 229)
    refused(user, "UPDATE dbo.Item SET N = N + 1", 229)
    refused(user, "DELETE FROM dbo.Item WHERE Id = 1", 229)
    scene.run(f"GRANT SELECT TO [{scene.login}]")
    results(user, "UPDATE dbo.Item SET N = N + 1 WHERE Id = 1")
    assert rows(user, "SELECT N FROM dbo.Item ORDER BY Id") == [(6,), (5,), (5,)]


@each(MICROSOFT)
def test_a_denial_goes_before_every_grant(driver: Driver, scene: Scene, user: Any) -> None:
    scene.run("CREATE ROLE readers")
    scene.run(f"ALTER ROLE readers ADD MEMBER [{scene.login}]")
    scene.run("GRANT SELECT ON SCHEMA::dbo TO readers")
    assert value(user, "SELECT COUNT(*) FROM dbo.Item") == 2
    assert value(user, "SELECT IS_MEMBER('readers')") == 1
    scene.run(f"DENY SELECT ON dbo.Item TO [{scene.login}]")
    refused(user, "SELECT COUNT(*) FROM dbo.Item", 229)
    assert rows(
        scene.admin, "SELECT state_desc FROM sys.database_permissions WHERE major_id = OBJECT_ID('dbo.Item')"
    ) == [("DENY",)]
    scene.run(f"REVOKE SELECT ON dbo.Item FROM [{scene.login}]")
    assert value(user, "SELECT COUNT(*) FROM dbo.Item") == 2
    scene.run(f"ALTER ROLE readers DROP MEMBER [{scene.login}]")
    refused(user, "SELECT COUNT(*) FROM dbo.Item", 229)
    refused(scene.admin, "GRANT SELECT ON dbo.Missing TO readers", 15151)


@each(MICROSOFT)
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("db_datareader", "SELECT COUNT(*) FROM dbo.Item"),
        ("db_datawriter", "INSERT INTO dbo.Item VALUES (3, 30)"),
        ("db_ddladmin", "CREATE TABLE dbo.Mine (i int); DROP TABLE dbo.Mine"),
        ("db_owner", "ALTER TABLE dbo.Item ADD x int NULL; DROP TABLE dbo.Item"),
    ],
)
def test_a_fixed_role_gives_what_it_is_for(driver: Driver, scene: Scene, user: Any, role: str, statement: str) -> None:
    with pytest.raises(Exception, match=r"\((229|262|4902)\)"):
        results(user, statement)
    scene.run(f"ALTER ROLE {role} ADD MEMBER [{scene.login}]")
    assert value(user, f"SELECT IS_ROLEMEMBER('{role}')") == 1
    results(user, statement)


@each(MICROSOFT)
def test_backing_up_and_restoring_take_rights_of_their_own(driver: Driver, scene: Scene, user: Any) -> None:
    """The questions are those the harness asks before it begins; the answers must be what then happens."""
    ask = (
        "SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'BACKUP DATABASE'), "
        "HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE'), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'SELECT')"
    )
    file = f"{scene.database}.bak"
    assert rows(user, ask) == [(0, 0, 0)]
    refused(user, f"BACKUP DATABASE [{scene.database}] TO DISK = N'{file}'", 262)
    scene.run(f"ALTER ROLE db_backupoperator ADD MEMBER [{scene.login}]")
    assert rows(user, ask) == [(1, 0, 0)]
    results(user, f"BACKUP DATABASE [{scene.database}] TO DISK = N'{file}'")
    refused(user, f"RESTORE HEADERONLY FROM DISK = N'{file}'", 262)
    refused(user, f"RESTORE DATABASE [{scene.database}] FROM DISK = N'{file}' WITH REPLACE", 3110)
    results(scene.admin, "USE master")
    scene.run(f"ALTER SERVER ROLE dbcreator ADD MEMBER [{scene.login}]")
    assert rows(user, ask) == [(1, 1, 0)]
    assert value(user, "SELECT IS_SRVROLEMEMBER('dbcreator')") == 1
    results(user, f"RESTORE VERIFYONLY FROM DISK = N'{file}'")


@each(MICROSOFT)
def test_users_and_permissions_travel_with_a_backup(driver: Driver, scene: Scene) -> None:
    scene.run(f"GRANT SELECT ON dbo.Item TO [{scene.login}]")
    scene.run(f"BACKUP DATABASE [{scene.database}] TO DISK = N'{scene.database}.bak' WITH INIT")
    scene.run(f"DENY SELECT ON dbo.Item TO [{scene.login}]")
    scene.run("USE master")
    scene.run(f"RESTORE DATABASE [{scene.database}] FROM DISK = N'{scene.database}.bak' WITH REPLACE")
    with closing(driver.connect(scene.address, scene.database)) as user:
        assert value(user, "SELECT COUNT(*) FROM dbo.Item") == 2


@each(MICROSOFT)
def test_a_login_that_is_no_user_does_not_get_in(driver: Driver, scene: Scene) -> None:
    with closing(driver.connect(scene.address)) as outside:
        assert value(outside, f"SELECT HAS_DBACCESS('{scene.database}')") == 1
        scene.run(f"DROP USER [{scene.login}]")
        assert value(outside, f"SELECT HAS_DBACCESS('{scene.database}')") == 0
        refused(outside, f"USE [{scene.database}]", 916)
        refused(outside, f"SELECT * FROM [{scene.database}].dbo.Item", 916)
    with pytest.raises(Exception, match="4060"):
        driver.connect(scene.address, scene.database)


@each(*ALL[:1])
def test_who_makes_a_database_owns_it(driver: Driver, scene: Scene, user: Any) -> None:
    mine = f"{scene.database}_mine"
    scene.run("USE master")
    scene.run(f"ALTER SERVER ROLE dbcreator ADD MEMBER [{scene.login}]")
    results(user, f"CREATE DATABASE [{mine}]")
    results(user, f"USE [{mine}]")
    assert value(user, "SELECT USER_NAME()") == "dbo"
    results(user, "CREATE TABLE dbo.Mine (i int); INSERT INTO dbo.Mine VALUES (1)")
    assert value(scene.admin, f"SELECT SUSER_SNAME(owner_sid) FROM sys.databases WHERE name = '{mine}'") == scene.login
    results(user, "USE master")
    results(user, f"DROP DATABASE [{mine}]")
