"""The projects of the sample: what each deploys, and with what around it. Pure data; nothing is sent from here.

``runs`` says whether the process can be executed by a server that has Bash and nothing else; the others are documents
as real instances have them: IIS, Windows services, Azure, Kubernetes, Terraform and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from standins.sample import processes
from standins.sample.foundations import Foundations
from standins.sample.instance import Resource
from standins.sample.library import secret_variable, template, variable
from standins.sample.processes import Process


@dataclass(frozen=True, slots=True)
class Plan:
    """One project."""

    name: str
    group: str
    process: Process
    runs: bool = True
    lifecycle: str = "Standard"
    package: str = ""
    libraries: Sequence[str] = ("Acme defaults",)
    tenancy: str = "Untenanted"
    variables: Callable[[Foundations, int], list[Resource]] | None = None
    templates: Sequence[Resource] = ()
    channels: Sequence[Resource] = ()
    releases: int = 1
    environments: Sequence[str] = ("Development",)
    disabled: bool = False
    after: str = ""
    settings: Resource = field(default_factory=dict[str, object])


def _storefront_variables(made: Foundations, seed: int) -> list[Resource]:
    p = "Storefront"
    return [
        variable(p, "Greeting", "Hello"),
        variable(p, "Greeting", "Welcome", scope={"Environment": [made.environment("Production")]}),
        variable(p, "Greeting", "Hi from the web role", scope={"Role": ["web-server"]}),
        variable(
            p,
            "Ticket",
            "none",
            Prompt={"Label": "Change ticket", "Description": "Number of the change", "Required": False},
        ),
        secret_variable(made, seed, p, "Payment.ApiKey"),
        secret_variable(
            made, seed, p, "Payment.ApiKey", "@Production", scope={"Environment": [made.environment("Production")]}
        ),
    ]


def _canary_variables(made: Foundations, seed: int) -> list[Resource]:
    p = "Canary"
    return [
        secret_variable(made, seed, p, "Canary.First"),
        secret_variable(made, seed, p, "Canary.Second"),
        secret_variable(
            made, seed, p, "Canary.Scoped", "@Development", scope={"Environment": [made.environment("Development")]}
        ),
        secret_variable(made, seed, p, "Canary.Scoped", "@Test", scope={"Environment": [made.environment("Test")]}),
        secret_variable(made, seed, p, "Database.Password"),
    ]


def _approval_variables(made: Foundations, seed: int) -> list[Resource]:
    del made, seed
    return [variable("Payments", "Ticket", "CHG-1017")]


def _tenant_variables(made: Foundations, seed: int) -> list[Resource]:
    """One variable whose value depends on a tag of the tenant, and is something else for all others."""
    del made, seed
    p = "Tenant portal"
    tags = ["Ring/Stable", "Ring/Beta", "Ring/Alpha"]
    scoped = [variable(p, "Rollout", f"wave {number}", scope={"TenantTag": [tag]}) for number, tag in enumerate(tags)]
    return [variable(p, "Rollout", "nobody's"), *scoped]


def _tenant_templates(project: str) -> list[Resource]:
    return [
        template(project, "Tenant.Region", "Region of the tenant", "Europe"),
        template(project, "Tenant.Database", "Database of the tenant", None),
    ]


_IIS = {
    "Octopus.Action.EnabledFeatures": "Octopus.Features.IISWebSite,Octopus.Features.ConfigurationTransforms",
    "Octopus.Action.IISWebSite.DeploymentType": "webSite",
    "Octopus.Action.IISWebSite.CreateOrUpdateWebSite": "True",
    "Octopus.Action.IISWebSite.WebSiteName": "back-office",
    "Octopus.Action.IISWebSite.ApplicationPoolName": "back-office",
    "Octopus.Action.IISWebSite.Bindings": '[{"protocol":"http","port":"80","host":"","enabled":true}]',
}
_SERVICE = {
    "Octopus.Action.EnabledFeatures": "Octopus.Features.WindowsService",
    "Octopus.Action.WindowsService.CreateOrUpdateService": "True",
    "Octopus.Action.WindowsService.ServiceName": "AcmeIdentity",
    "Octopus.Action.WindowsService.ExecutablePath": "Acme.Identity.exe",
    "Octopus.Action.WindowsService.StartMode": "auto",
    "Octopus.Action.WindowsService.ServiceAccount": "LocalSystem",
}
_AZURE = {
    "Octopus.Action.Azure.AccountId": "#{Azure.Account}",
    "Octopus.Action.Azure.ResourceGroupName": "acme-portal",
    "Octopus.Action.Azure.WebAppName": "acme-portal-#{Octopus.Environment.Name}",
    "Octopus.Action.RunOnServer": "true",
}
_KUBERNETES = {
    "Octopus.Action.KubernetesContainers.DeploymentName": "orders",
    "Octopus.Action.KubernetesContainers.Replicas": "3",
    "Octopus.Action.KubernetesContainers.DeploymentStyle": "RollingUpdate",
    "Octopus.Action.KubernetesContainers.Containers": '[{"Name":"orders","Ports":[{"key":"http","value":"8080"}]}]',
    "Octopus.Action.RunOnServer": "true",
}


def _document(
    name: str,
    group: str,
    step: str,
    kind: str,
    properties: Resource,
    *,
    package: str = "",
    feed: str = "",
    roles: Sequence[str] = (),
    disabled: bool = False,
) -> Plan:
    """A project of one step that only a real target, cloud or Windows machine could carry out."""
    return Plan(
        name,
        group,
        processes.document(name, step, kind, properties, package=package, feed=feed, roles=roles),
        runs=False,
        package="" if feed else package,
        disabled=disabled,
    )


def plans() -> list[Plan]:
    """In the order they are made; a project that deploys another comes after it."""
    hotfix = {"Name": "Hotfix", "LifecycleName": "Hotfix", "Range": "[1.0,2.0)", "Tag": "^hotfix"}
    return [
        Plan(
            "Canary",
            "Operations",
            processes.canary,
            variables=_canary_variables,
            releases=1,
            environments=("Development", "Test"),
        ),
        Plan(
            "Storefront",
            "Web",
            processes.storefront,
            package="Acme.Storefront",
            libraries=("Acme defaults", "Notifications", "Acme helpers"),
            variables=_storefront_variables,
            channels=[hotfix],
            releases=3,
            environments=("Development", "Test", "Production"),
        ),
        Plan(
            "Checkout API",
            "Services",
            processes.checkout,
            package="Acme.Checkout",
            releases=2,
            environments=("Development", "Test"),
        ),
        Plan(
            "Catalogue API",
            "Services",
            processes.script_only("Catalogue API", "Import", "Index"),
            environments=("Development",),
        ),
        Plan(
            "Database migrations",
            "Data",
            processes.migrations,
            package="Acme.Migrations",
            environments=("Development", "Test"),
        ),
        Plan("Rolling farm", "Web", processes.rolling, package="Acme.Farm", environments=("Development",)),
        Plan(
            "Payments",
            "Services",
            processes.approval,
            variables=_approval_variables,
            environments=("Development", "Test"),
        ),
        Plan("Release train", "Platform", processes.train, after="Canary", environments=("Development",)),
        Plan("Page checker", "Operations", processes.library_step, environments=("Development",)),
        Plan(
            "Tenant portal",
            "Web",
            processes.tenanted("Tenant portal"),
            tenancy="Tenanted",
            templates=_tenant_templates("Tenant portal"),
            variables=_tenant_variables,
            environments=("Development",),
        ),
        Plan(
            "Tenant billing",
            "Services",
            processes.tenanted("Tenant billing"),
            tenancy="TenantedOrUntenanted",
            templates=_tenant_templates("Tenant billing"),
            environments=("Development",),
        ),
        Plan(
            "Continuous widgets",
            "Web",
            processes.script_only("Continuous widgets", "Publish widgets"),
            lifecycle="Continuous",
        ),
        Plan("Nightly batch", "Data", processes.script_only("Nightly batch", "Run the batch")),
        Plan("Warehouse loader", "Data", processes.script_only("Warehouse loader", "Extract", "Transform", "Load")),
        _document(
            "Back office", "Web", "Deploy to IIS", "Octopus.IIS", _IIS, package="Acme.BackOffice", roles=["web-server"]
        ),
        _document(
            "Identity service",
            "Services",
            "Install service",
            "Octopus.WindowsService",
            _SERVICE,
            package="Acme.Identity",
            roles=["app-server"],
        ),
        _document("Customer portal", "Web", "Deploy web app", "Octopus.AzureWebApp", _AZURE, package="Acme.Portal"),
        _document(
            "Orders on Kubernetes",
            "Platform",
            "Deploy containers",
            "Octopus.KubernetesDeployContainers",
            _KUBERNETES,
            roles=["app-server"],
        ),
        _document(
            "Orders chart",
            "Platform",
            "Upgrade chart",
            "Octopus.HelmChartUpgrade",
            {"Octopus.Action.Helm.ReleaseName": "orders", "Octopus.Action.Helm.ResetValues": "True"},
            package="orders",
            feed="Charts",
            roles=["app-server"],
        ),
        _document(
            "Weekly report",
            "Operations",
            "Send mail",
            "Octopus.Email",
            {
                "Octopus.Action.Email.To": "board@acme.test",
                "Octopus.Action.Email.Subject": "#{Octopus.Project.Name} #{Octopus.Release.Number}",
                "Octopus.Action.Email.Body": "Deployed to #{Octopus.Environment.Name}",
                "Octopus.Action.Email.IsHtml": "False",
            },
        ),
        _document(
            "Network",
            "Platform",
            "Apply plan",
            "Octopus.TerraformApply",
            {
                "Octopus.Action.Script.ScriptSource": "Inline",
                "Octopus.Action.Terraform.Template": '{"resource":{}}',
                "Octopus.Action.Terraform.ManagedAccount": "AWS",
                "Octopus.Action.RunOnServer": "true",
            },
        ),
        _document(
            "Static content",
            "Platform",
            "Upload to bucket",
            "Octopus.AwsUploadS3",
            {"Octopus.Action.Aws.Region": "eu-west-1", "Octopus.Action.Aws.S3.BucketName": "acme-static"},
            package="Acme.Static",
        ),
        _document(
            "Java warehouse",
            "Data",
            "Deploy to Tomcat",
            "Octopus.TomcatDeploy",
            {"Tomcat.Deploy.Controller": "http://localhost:8080/manager", "Tomcat.Deploy.Name": "/warehouse"},
            package="com.acme:warehouse",
            feed="Maven central",
            roles=["app-server"],
        ),
        _document(
            "Message bus",
            "Platform",
            "Run the broker",
            "Octopus.DockerRun",
            {"Octopus.Action.Docker.NetworkType": "bridge", "Octopus.Action.Docker.RestartPolicy": "always"},
            package="acme/broker",
            feed="Container registry",
            roles=["app-server"],
        ),
        _document(
            "Edge proxy",
            "Platform",
            "Configure NGINX",
            "Octopus.Nginx",
            {
                "Octopus.Action.Nginx.Server.HostName": "edge.acme.test",
                "Octopus.Action.EnabledFeatures": "Octopus.Features.Nginx",
            },
            package="Acme.Edge",
            roles=["edge"],
        ),
        _document(
            "Legacy intranet",
            "Retired",
            "Run PowerShell",
            "Octopus.Script",
            {
                "Octopus.Action.Script.ScriptSource": "Inline",
                "Octopus.Action.Script.Syntax": "PowerShell",
                "Octopus.Action.Script.ScriptBody": "Write-Host 'intranet'",
                "Octopus.Action.RunOnServer": "true",
            },
            disabled=True,
        ),
        Plan("Maintenance scripts", "Operations", processes.script_only("Maintenance scripts", "Tidy up")),
    ]
