"""A small Octopus instance with one document of each kind, made through the API."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class ApiClient(Protocol):
    """Whoever sends requests as an administrator; each call fails unless the server answers with success."""

    @property
    def version(self) -> tuple[int, int, int]: ...

    def get(self, url: str) -> Any: ...

    def post(self, url: str, body: Any) -> Any: ...

    def put(self, url: str, body: Any) -> Any: ...


def certificate() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(4711)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def secret(value: str) -> dict[str, Any]:
    return {"HasValue": True, "NewValue": value}


def open_shop(client: ApiClient, suffix: str = "") -> dict[str, Any]:
    """A small instance; the replies of the server by a short name. ``suffix`` parts its names from other shops'."""
    made: dict[str, Any] = {}

    def create(name: str, path: str, **body: Any) -> dict[str, Any]:
        named = {key: f"{body[key]}{suffix}" for key in ("Name", "Username") if key in body}
        made[name] = client.post(f"/api/{path}", {**body, **named})
        return made[name]

    test = create("test", "environments", Name="Test")["Id"]
    live = create("live", "environments", Name="Live")["Id"]
    phases = [
        {"Name": "Test", "OptionalDeploymentTargets": [test]},
        {"Name": "Live", "AutomaticDeploymentTargets": [live]},
    ]
    lifecycle = create("lifecycle", "lifecycles", Name="Two steps", Phases=phases)["Id"]
    group = create("group", "projectgroups", Name="Shop")["Id"]
    templates = [
        {"Name": "Connection", "Label": "Connection", "DisplaySettings": {"Octopus.ControlType": "Sensitive"}},
        {"Name": "Region"},
    ]
    library = create("library", "libraryvariablesets", Name="Shared", Templates=templates)["Id"]
    create("script", "libraryvariablesets", Name="Helpers", ContentType="ScriptModule")
    project = create(
        "project",
        "projects",
        Name="Web shop",
        ProjectGroupId=group,
        LifecycleId=lifecycle,
        IncludedLibraryVariableSetIds=[library],
        TenantedDeploymentMode="TenantedOrUntenanted",
        Templates=[{"Name": "Colour", "DefaultValue": "blue"}],
    )["Id"]
    channel = create(
        "channel", "channels", Name="Hotfix", ProjectId=project, Rules=[{"VersionRange": "[1.0,2.0)", "Tag": "hotfix"}]
    )["Id"]
    policy = create("policy", "machinepolicies", Name="Strict")["Id"]
    create(
        "proxy",
        "proxies",
        Name="Out",
        Host="proxy.example.test",
        Port=3128,
        ProxyType="HTTP",
        Password=secret("open sesame"),
    )
    account = create(
        "account",
        "accounts",
        Name="Deployer",
        AccountType="UsernamePassword",
        Username="deploy",
        Password=secret("s3cret"),
    )["Id"]
    endpoint = {"CommunicationStyle": "TentaclePassive", "Uri": "https://web1.example.test:10933", "Thumbprint": "AB12"}
    create(
        "machine",
        "machines",
        Name="web1",
        EnvironmentIds=[test],
        Roles=["web"],
        Endpoint=endpoint,
        MachinePolicyId=policy,
    )
    pool = create("pool", "workerpools", Name="Builders")["Id"]
    create("worker", "workers", Name="worker1", WorkerPoolIds=[pool], Endpoint={**endpoint, "Thumbprint": "CD34"})
    create(
        "feed",
        "feeds",
        Name="Hub",
        FeedType="Docker",
        FeedUri="https://index.example.test",
        Username="u",
        Password=secret("p"),
    )
    create("certificate", "certificates", Name="Shop", CertificateData=secret(certificate()))
    create("tagset", "tagsets", Name="Ring", Tags=[{"Name": "Alpha", "Color": "#ff0000"}, {"Name": "Beta"}])
    tenant = create(
        "tenant",
        "tenants",
        Name="Acme",
        TenantTags=[f"Ring{suffix}/Alpha"],
        ProjectEnvironments={project: [test, live]},
    )["Id"]
    create(
        "template",
        "actiontemplates",
        Name="Say it",
        ActionType="Octopus.Script",
        Properties={"Octopus.Action.Script.ScriptBody": "echo"},
    )
    create("user", "users", Username="jane", DisplayName="Jane", Password="Passw0rd!", EmailAddress="jane@example.test")
    role_name = "GrantedSpacePermissions" if client.version >= (2019, 1, 0) else "GrantedPermissions"
    role = create(
        "role", "userroles", Name="Looker", Description="Looks", **{role_name: ["ProjectView", "EnvironmentView"]}
    )["Id"]
    team_roles = {} if client.version >= (2019, 1, 0) else {"UserRoleIds": [role], "EnvironmentIds": [test]}
    team = create("team", "teams", Name="Lookers", MemberUserIds=[made["user"]["Id"]], **team_roles)["Id"]
    if client.version >= (2019, 1, 0):
        create("assignment", "scopeduserroles", TeamId=team, UserRoleId=role, SpaceId="Spaces-1", EnvironmentIds=[test])
    create(
        "trigger",
        "projecttriggers",
        Name="Auto",
        ProjectId=project,
        Filter={
            "FilterType": "MachineFilter",
            "EnvironmentIds": [test],
            "Roles": ["web"],
            "EventGroups": ["MachineAvailableForDeployment"],
        },
        Action={"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": True},
    )
    notification = {
        "Filter": {"EventGroups": ["Deployment"]},
        "EmailTeams": [team],
        "WebhookURI": "https://hook.example.test",
    }
    create("subscription", "subscriptions", Name="Tell me", EventNotificationSubscription=notification)
    if client.version >= (2019, 11, 0):
        create("runbook", "runbooks", Name="Tidy up", ProjectId=project)
    process = client.get(made["project"]["Links"]["DeploymentProcess"])
    action = {
        "Name": "Say",
        "ActionType": "Octopus.Script",
        "Environments": [test],
        "Channels": [channel],
        "Properties": {"Octopus.Action.Script.ScriptBody": "echo hello", "Secret": secret("inside")},
    }
    process["Steps"] = [{"Name": "Say", "Properties": {"Octopus.Action.TargetRoles": "web"}, "Actions": [action]}]
    made["process"] = client.put(process["Links"]["Self"], process)
    variables = client.get(made["project"]["Links"]["Variables"])
    variables["Variables"] = [
        {"Name": "Greeting", "Value": "hello", "Scope": {"Environment": [test]}},
        {"Name": "Greeting", "Value": "hi"},
        {"Name": "Password", "Type": "Sensitive", "Value": "hunter2"},
        {"Name": "Account", "Type": "AmazonWebServicesAccount", "Value": account},
    ]
    made["variables"] = client.put(variables["Links"]["Self"], variables)
    values = client.get(f"/api/tenants/{tenant}/variables")
    own = values["ProjectVariables"][project]
    own["Variables"][test] = {own["Templates"][0]["Id"]: "red"}
    shared = values["LibraryVariables"][library]
    shared["Variables"] = {shared["Templates"][0]["Id"]: secret("Server=x"), shared["Templates"][1]["Id"]: "eu"}
    made["tenant values"] = client.put(f"/api/tenants/{tenant}/variables", values)
    return made
