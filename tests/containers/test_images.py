"""The stand-ins' images keep the contracts of the real ones."""

from __future__ import annotations

import pytest
import sqlalchemy
from testcontainers.community.mssql import SqlServerContainer

from tidegate.octopus.client import OctopusClient
from tidegate.providers.containers.container import Blueprint, Container
from tidegate.providers.containers.engine import Engine
from tidegate.providers.containers.surroundings import Surroundings
from tidegate.waiting import wait_until

PASSWORD = "Rehearsal!2021"
SQL_SERVER = "tidegate/sqlserver-stand-in:2019"
OCTOPUS = "tidegate/octopus-stand-in:2018.12.1"


def sql_server(around: Surroundings) -> Container:
    container = Container(
        Blueprint(
            SQL_SERVER, "sql", {"ACCEPT_EULA": "Y", "MSSQL_SA_PASSWORD": PASSWORD, "MSSQL_PID": "Developer"},
            alias="sqlserver",
        ),
        around.owner,
        around.network.inside,
    )  # fmt: skip
    wait_until(
        lambda: "SQL Server is now ready for client connections" in container.log_text(),
        timeout=60,
        what="SQL Server's line",
        describe=container.last_lines,
    )
    return container


def test_sql_server_has_its_user_and_the_sqlcmd_of_newer_images(surroundings: Surroundings) -> None:
    container = sql_server(surroundings)
    tools = "/opt/mssql-tools18/bin/sqlcmd"
    query = ["-S", "localhost", "-U", "sa", "-P", PASSWORD, "-h", "-1", "-Q", "SELECT 'answer'"]

    trusting = container.run([tools, "-C", *query])
    untrusted = container.run([tools, *query])
    wrong = container.run([tools, "-C", "-U", "sa", "-P", "Wrong!2021", "-Q", "SELECT 1"])

    assert trusting[0] == 0
    assert "answer" in trusting[1]
    assert untrusted[0] == 1, "tools18 encrypts, and nobody signed the certificate"
    assert "certificate verify failed" in untrusted[1]
    assert wrong[0] == 1
    assert container.run(["id", "-u"])[1].strip() == "10001"
    assert container.run(["stat", "-c", "%u:%g", "/var/opt/mssql"])[1].strip() == "10001:0"


@pytest.mark.parametrize(
    ("image", "tools", "options"),
    [(SQL_SERVER, "/opt/mssql-tools18", ["-C"]), (f"{SQL_SERVER}-older-tools", "/opt/mssql-tools", [])],
)
def test_testcontainers_own_class_starts_sql_server(
    engine: Engine, images: None, image: str, tools: str, options: list[str]
) -> None:
    """It waits for whatever `/opt/mssql-tools*/bin/sqlcmd` is: no image has two of them."""
    with SqlServerContainer(image, password=PASSWORD) as container:
        database = sqlalchemy.create_engine(container.get_connection_url())
        with database.connect() as connection:
            answer = connection.execute(sqlalchemy.text("SELECT @@VERSION + ' ' + DB_NAME()")).scalar_one()
        database.dispose()
        found = container.exec(["bash", "-c", "echo /opt/mssql-tools*"])
        select = ["-U", "sa", "-P", PASSWORD, "-Q", "SELECT 'answer'"]
        asked = container.exec([f"{tools}/bin/sqlcmd", *options, *select])

    assert str(answer).startswith("Microsoft SQL Server 2019")
    assert str(answer).endswith("tempdb")
    assert found.output.decode().split() == [tools]
    assert (asked.exit_code, "answer" in asked.output.decode()) == (0, True)


@pytest.mark.parametrize("image", [SQL_SERVER, OCTOPUS])
def test_wants_the_licence_accepted(surroundings: Surroundings, image: str) -> None:
    container = Container(
        Blueprint(image, "unaccepted", {"MSSQL_SA_PASSWORD": PASSWORD}),
        surroundings.owner,
        surroundings.network.inside,
    )

    assert container.wait(60) == 1
    assert "EULA" in container.log_text()
    assert "ACCEPT_EULA" in container.log_text()


def test_octopus_starts_from_its_environment_alone(surroundings: Surroundings) -> None:
    sql_server(surroundings)
    container = Container(
        Blueprint(
            OCTOPUS,
            "octopus",
            {
                "ACCEPT_EULA": "Y",
                "DB_CONNECTION_STRING": f"Server=sqlserver,1433;Database=OctopusDeploy;User Id=sa;Password={PASSWORD}",
                "ADMIN_USERNAME": "admin",
                "ADMIN_PASSWORD": "Rehearsal!2021",
                "ADMIN_API_KEY": "API-REHEARSALREHEARSALREHEARSAL",
                "OCTOPUS_SERVER_NODE_NAME": "node-1",
                "TASK_CAP": "3",
            },
            alias="octopus",
            stdin=True,
        ),
        surroundings.owner,
        surroundings.network.inside,
    )
    wait_until(
        lambda: "Web server is ready to process requests" in container.log_text() or container.exit_code is not None,
        timeout=120,
        what="Octopus Server's line",
        describe=container.last_lines,
    )

    volumes = set(container.attributes["Config"]["Volumes"])
    ports = set(container.attributes["Config"]["ExposedPorts"])
    assert volumes == {"/repository", "/artifacts", "/taskLogs", "/eventExports", "/cache", "/import"}
    assert ports == {"8080/tcp", "10943/tcp"}
    assert "Listening for HTTP requests on " in container.log_text()
    show = ["/Octopus/Octopus.Server", "show-master-key", "--console", "--instance", "OctopusServer"]
    code, key = container.run(show)
    assert (code, len(key.strip())) == (0, 24)
    assert container.run(["curl", "-fsS", "http://localhost:8080/api/octopusservernodes/ping"])[0] == 0
    url = f"http://127.0.0.1:{surroundings.network.publish('octopus', 8080)}"
    with OctopusClient(url, None) as client:
        assert client.get("/api")["Version"] == "2018.12.1"
    container.stop()
    assert container.exit_code == 0
    assert "The server has stopped" in container.log_text()
