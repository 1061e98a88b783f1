"""Settings of the server and of a user."""

from __future__ import annotations

import pytest

from tests.support.octopus_shop import open_shop
from tests.unit.octopus_standin_api.conftest import Client


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("featuresconfiguration", {"IsCommunityActionTemplatesEnabled": False}),
        ("smtpconfiguration", {"SmtpHost": "mail.example.test", "EnableSsl": True}),
        ("upgradeconfiguration", {"NotificationMode": "NeverShow"}),
        ("performanceconfiguration", {"DefaultDashboardRenderMode": "VirtualizeColumns"}),
        ("serverconfiguration", {"ServerUri": "https://octopus.example.test"}),
        ("letsencryptconfiguration", {"DnsName": "octopus.example.test"}),
        ("dashboardconfiguration", {"ProjectLimit": 12}),
    ],
)
def test_a_setting_is_kept(any_version: Client, path: str, change: dict[str, object]) -> None:
    before = any_version.get(f"/api/{path}")
    assert {name: before[name] for name in change} != change

    saved = any_version.put(f"/api/{path}", {**before, **change})

    assert saved == any_version.get(f"/api/{path}") == {**before, **change}


def test_each_user_has_a_dashboard(any_version: Client) -> None:
    jane = open_shop(any_version)["user"]
    other = Client(any_version.portal, any_version.store)
    other.key = any_version.post(f"/api/users/{jane['Id']}/apikeys", {"Purpose": "test"})["ApiKey"]
    any_version.put("/api/dashboardconfiguration", {"ProjectLimit": 3})

    assert other.get("/api/dashboardconfiguration")["ProjectLimit"] == 0
    assert any_version.get("/api/dashboardconfiguration")["ProjectLimit"] == 3


def test_the_folders_of_the_server(any_version: Client) -> None:
    values = any_version.get("/api/configuration/server-folders/values")

    assert values["LogsDirectory"].endswith("task_logs")
    assert values["ArtifactsDirectory"].endswith("artifacts")
    assert values["PackagesDirectory"].endswith("packages")
    assert any_version.refused("PUT", "/api/configuration/server-folders/values", values)[0] == 400


_LICENCE = """<License Signature="eA=="><LicensedTo>Shop</LicensedTo><LicenseKey>11111-22222-33333-44444</LicenseKey>
<Version>2.0</Version><MaintenanceExpires>2099-01-01</MaintenanceExpires><ProjectLimit>{projects}</ProjectLimit>
<MachineLimit>Unlimited</MachineLimit></License>"""


def test_a_licence_and_its_limits(any_version: Client) -> None:
    assert any_version.refused("PUT", "/api/licenses/licenses-current", {"LicenseText": "no licence"})[0] == 400
    any_version.put("/api/licenses/licenses-current", {"LicenseText": _LICENCE.format(projects="Unlimited")})
    assert any_version.get("/api/licenses/licenses-current")["SerialNumber"] == "11111-22222-33333-44444"
    assert any_version.get("/api/licenses/licenses-current-status")["IsCompliant"] is True
    open_shop(any_version)

    any_version.put("/api/licenses/licenses-current", {"LicenseText": _LICENCE.format(projects="0")})

    status = any_version.get("/api/licenses/licenses-current-status")
    assert status["IsCompliant"] is False
    assert ("LicenseKind" in status) == (any_version.version < (2020, 1, 0))
    assert next(limit for limit in status["Limits"] if limit["Name"] == "Projects")["CurrentUsage"] == 1


def test_a_draining_node_says_so(any_version: Client) -> None:
    with any_version.store.transaction() as transaction:
        node = {
            "Id": "OctopusServerNodes-node-1",
            "Name": "node-1",
            "MaxConcurrentTasks": 5,
            "IsInMaintenanceMode": False,
        }
        transaction.insert("OctopusServerNode", {**node, "LastSeen": "2020-01-01T00:00:00.000+00:00", "Rank": "Leader"})
    any_version.key, key = None, any_version.key
    assert any_version.send("GET", "/api/octopusservernodes/ping").status == 200
    any_version.key = key
    node = any_version.get("/api/octopusservernodes/OctopusServerNodes-node-1")
    any_version.put(node["Links"]["Self"], {**node, "IsInMaintenanceMode": True})

    assert any_version.send("GET", "/api/octopusservernodes/ping").status == 418
    assert ("Rank" in node) == (any_version.version < (2019, 1, 0))
    if any_version.version >= (2019, 1, 0):
        shown = any_version.get("/api/octopusservernodes/summary")["Nodes"][0]
        assert (shown["IsInMaintenanceMode"], shown["IsOffline"]) == (True, True)
        assert any_version.send("GET", "/api/serverstatus/health").status == 418


def test_a_migration_becomes_a_task(any_version: Client) -> None:
    request = {"PackageId": "Shop", "Projects": ["Shop"], "Password": "secret", "SpaceId": "Spaces-1"}

    answer = any_version.post("/api/migrations/partialexport", request)

    task = any_version.store.documents["ServerTask"][answer["TaskId"]]
    assert (task["Name"], task["State"]) == ("MigrationPartialExport", "Queued")
    assert "secret" not in str(task)
    assert answer["Password"] is None
