"""The projects of the sample: what each deploys, and how. Pure data; nothing is sent from here.

``runs`` says whether the process can be executed by a server that has Bash and nothing else; the others are documents
as real instances have them: IIS, Windows services, Azure, Kubernetes, Terraform and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from standins.sample import steps
from standins.sample.foundations import Foundations, secret_variable, template, variable
from standins.sample.instance import Resource

WINDOWS = {"Octopus.Action.EnabledFeatures": "Octopus.Features.IISWebSite"}


@dataclass(frozen=True, slots=True)
class Plan:
    """One project. ``process`` gets what exists by then: foundations and the projects before it."""

    name: str
    group: str
    process: Callable[[Foundations, dict[str, Resource]], list[Resource]]
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


def _say(text: str) -> str:
    return f'echo "{text}"'


def _storefront(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Storefront"
    return [
        steps.step(
            p, [steps.bash(p, "Announce", 'echo "Greeting is $(get_octopusvariable Greeting), log level #{LogLevel}"')]
        ),
        steps.step(
            p, [steps.deploy_package(p, "Deploy site", made.built_in_feed, "Acme.Storefront")], roles=["web-server"]
        ),
        steps.step(
            p,
            [
                steps.bash(
                    p,
                    "Smoke test",
                    'set_octopusvariable "Checked" "yes"\necho "smoke: ok" > smoke.txt\n'
                    'new_octopusartifact smoke.txt "smoke-test.txt"',
                )
            ],
        ),
        steps.step(p, [steps.bash(p, "Report", 'echo "Checked: #{Octopus.Action[Smoke test].Output.Checked}"')]),
    ]


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


def _canary(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    """Proves that secrets still decrypt: the log shows a digest of what the script was given, never the secret."""
    p = "Canary"
    body = (
        "for name in Canary.First Canary.Second Canary.Scoped Database.Password; do\n"
        '  echo "$name $(get_octopusvariable "$name" | sha256sum | cut -c1-64)"\n'
        "done"
    )
    del made
    return [steps.step(p, [steps.bash(p, "Digest the secrets", body)])]


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


def _checkout(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Checkout API"
    return [
        steps.step(
            p, [steps.deploy_package(p, "Deploy API", made.built_in_feed, "Acme.Checkout")], roles=["app-server"]
        ),
        steps.step(
            p,
            [steps.bash_on_targets(p, "Warm up", _say("Warming up on #{Octopus.Machine.Name}"))],
            roles=["app-server"],
        ),
    ]


def _migrations(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Database migrations"
    reference = steps.package_reference(p, "Migrate", "scripts", made.built_in_feed, "Acme.Migrations")
    return [
        steps.step(
            p,
            [
                steps.bash(
                    p,
                    "Migrate",
                    'write_highlight "Migrating #{Octopus.Environment.Name}"\nls scripts | head -3\n'
                    'echo "-- done" > report.sql\n'
                    'new_octopusartifact report.sql "migration-#{Octopus.Environment.Name}.sql"',
                    references=[reference],
                )
            ],
        ),
        steps.step(p, [steps.bash(p, "Only when it failed", _say("Rolling back"))], condition="Failure"),
        steps.step(p, [steps.bash(p, "Always", _say("Closing connections"))], condition="Always"),
    ]


def _rolling(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Rolling farm"
    children = [
        steps.bash_on_targets(p, "Out of the balancer", _say("Taking #{Octopus.Machine.Name} out")),
        steps.deploy_package(p, "New version", made.built_in_feed, "Acme.Farm"),
        steps.bash_on_targets(p, "Into the balancer", _say("Putting #{Octopus.Machine.Name} back")),
    ]
    return [
        steps.step(
            p,
            children,
            name="Roll over the farm",
            roles=["web-server"],
            properties={"Octopus.Action.MaxParallelism": "1"},
        )
    ]


def _approval(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Payments"
    return [
        steps.step(
            p,
            [
                steps.manual(
                    p,
                    "Approve",
                    "Is the change ticket #{Ticket} approved?",
                    ExcludedEnvironments=[made.environment("Development")],
                )
            ],
        ),
        steps.step(p, [steps.bash(p, "Deploy payments", _say("Payments deployed for #{Octopus.Release.Number}"))]),
    ]


def _approval_variables(made: Foundations, seed: int) -> list[Resource]:
    del made, seed
    return [variable("Payments", "Ticket", "CHG-1017")]


def _train(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
    del made
    p = "Release train"
    return [
        steps.step(p, [steps.deploy_release(p, "Canary wagon", projects["Canary"])]),
        steps.step(p, [steps.bash(p, "All aboard", _say("The train has left"))]),
    ]


def _library_step(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    p = "Page checker"
    used = made.templates["Acme - Check a web page"]
    return [
        steps.step(
            p,
            [
                steps.action(
                    p,
                    "Check the page",
                    "Octopus.Script",
                    {
                        **used["Properties"],
                        "Octopus.Action.RunOnServer": "true",
                        "Octopus.Action.Template.Id": used["Id"],
                        "Octopus.Action.Template.Version": str(used["Version"]),
                        "CheckUrl": "https://#{Octopus.Environment.Name | ToLower}.acme.test/",
                    },
                )
            ],
        )
    ]


def _script_only(project: str, *names: str) -> Callable[[Foundations, dict[str, Resource]], list[Resource]]:
    def process(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
        del made, projects
        return [
            steps.step(project, [steps.bash(project, name, _say(f"{name}: #{{Octopus.Environment.Name}}"))])
            for name in names
        ]

    return process


def _document(
    project: str,
    step: str,
    kind: str,
    properties: Resource,
    *,
    package: str = "",
    feed: str = "",
    roles: Sequence[str] = (),
) -> Callable[[Foundations, dict[str, Resource]], list[Resource]]:
    """A process whose step only a real target, cloud or Windows machine could carry out."""

    def process(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
        del projects
        source = made.feeds[feed]["Id"] if feed else made.built_in_feed
        only = steps.action(project, step, kind, properties, package=(source, package) if package else None)
        return [steps.step(project, [only], roles=roles)]

    return process


def _tenanted(project: str) -> Callable[[Foundations, dict[str, Resource]], list[Resource]]:
    def process(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
        del made, projects
        body = (
            'echo "Deploying for $(get_octopusvariable Octopus.Deployment.Tenant.Name) '
            "alias $(get_octopusvariable Tenant.Alias) in $(get_octopusvariable Tenant.Region), "
            'rollout $(get_octopusvariable Rollout)"\n'
            'echo "key $(get_octopusvariable Tenant.LicenseKey | sha256sum | cut -c1-64)"'
        )
        return [
            steps.step(project, [steps.bash(project, "Configure tenant", body)]),
            steps.step(
                project,
                [steps.bash(project, "Alpha extras", _say("Only for the first ring"), TenantTags=["Ring/Alpha"])],
            ),
        ]

    return process


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


def plans() -> list[Plan]:
    """In the order they are made; a project that deploys another comes after it."""
    hotfix = {"Name": "Hotfix", "LifecycleName": "Hotfix", "Range": "[1.0,2.0)", "Tag": "^hotfix"}
    return [
        Plan(
            "Canary",
            "Operations",
            _canary,
            variables=_canary_variables,
            releases=1,
            environments=("Development", "Test"),
        ),
        Plan(
            "Storefront",
            "Web",
            _storefront,
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
            _checkout,
            package="Acme.Checkout",
            releases=2,
            environments=("Development", "Test"),
        ),
        Plan(
            "Catalogue API", "Services", _script_only("Catalogue API", "Import", "Index"), environments=("Development",)
        ),
        Plan(
            "Database migrations", "Data", _migrations, package="Acme.Migrations", environments=("Development", "Test")
        ),
        Plan("Rolling farm", "Web", _rolling, package="Acme.Farm", environments=("Development",)),
        Plan("Payments", "Services", _approval, variables=_approval_variables, environments=("Development", "Test")),
        Plan("Release train", "Platform", _train, after="Canary", environments=("Development",)),
        Plan("Page checker", "Operations", _library_step, environments=("Development",)),
        Plan(
            "Tenant portal",
            "Web",
            _tenanted("Tenant portal"),
            tenancy="Tenanted",
            templates=_tenant_templates("Tenant portal"),
            variables=_tenant_variables,
            environments=("Development",),
        ),
        Plan(
            "Tenant billing",
            "Services",
            _tenanted("Tenant billing"),
            tenancy="TenantedOrUntenanted",
            templates=_tenant_templates("Tenant billing"),
            environments=("Development",),
        ),
        Plan(
            "Continuous widgets", "Web", _script_only("Continuous widgets", "Publish widgets"), lifecycle="Continuous"
        ),
        Plan("Nightly batch", "Data", _script_only("Nightly batch", "Run the batch")),
        Plan("Warehouse loader", "Data", _script_only("Warehouse loader", "Extract", "Transform", "Load")),
        Plan(
            "Back office",
            "Web",
            _document(
                "Back office", "Deploy to IIS", "Octopus.IIS", _IIS, package="Acme.BackOffice", roles=["web-server"]
            ),
            runs=False,
            package="Acme.BackOffice",
        ),
        Plan(
            "Identity service",
            "Services",
            _document(
                "Identity service",
                "Install service",
                "Octopus.WindowsService",
                _SERVICE,
                package="Acme.Identity",
                roles=["app-server"],
            ),
            runs=False,
            package="Acme.Identity",
        ),
        Plan(
            "Customer portal",
            "Web",
            _document("Customer portal", "Deploy web app", "Octopus.AzureWebApp", _AZURE, package="Acme.Portal"),
            runs=False,
            package="Acme.Portal",
        ),
        Plan(
            "Orders on Kubernetes",
            "Platform",
            _document(
                "Orders on Kubernetes",
                "Deploy containers",
                "Octopus.KubernetesDeployContainers",
                _KUBERNETES,
                roles=["app-server"],
            ),
            runs=False,
        ),
        Plan(
            "Orders chart",
            "Platform",
            _document(
                "Orders chart",
                "Upgrade chart",
                "Octopus.HelmChartUpgrade",
                {"Octopus.Action.Helm.ReleaseName": "orders", "Octopus.Action.Helm.ResetValues": "True"},
                package="orders",
                feed="Charts",
                roles=["app-server"],
            ),
            runs=False,
        ),
        Plan(
            "Weekly report",
            "Operations",
            _document(
                "Weekly report",
                "Send mail",
                "Octopus.Email",
                {
                    "Octopus.Action.Email.To": "board@acme.test",
                    "Octopus.Action.Email.Subject": "#{Octopus.Project.Name} #{Octopus.Release.Number}",
                    "Octopus.Action.Email.Body": "Deployed to #{Octopus.Environment.Name}",
                    "Octopus.Action.Email.IsHtml": "False",
                },
            ),
            runs=False,
        ),
        Plan(
            "Network",
            "Platform",
            _document(
                "Network",
                "Apply plan",
                "Octopus.TerraformApply",
                {
                    "Octopus.Action.Script.ScriptSource": "Inline",
                    "Octopus.Action.Terraform.Template": '{"resource":{}}',
                    "Octopus.Action.Terraform.ManagedAccount": "AWS",
                    "Octopus.Action.RunOnServer": "true",
                },
            ),
            runs=False,
        ),
        Plan(
            "Static content",
            "Platform",
            _document(
                "Static content",
                "Upload to bucket",
                "Octopus.AwsUploadS3",
                {"Octopus.Action.Aws.Region": "eu-west-1", "Octopus.Action.Aws.S3.BucketName": "acme-static"},
                package="Acme.Static",
            ),
            runs=False,
            package="Acme.Static",
        ),
        Plan(
            "Java warehouse",
            "Data",
            _document(
                "Java warehouse",
                "Deploy to Tomcat",
                "Octopus.TomcatDeploy",
                {"Tomcat.Deploy.Controller": "http://localhost:8080/manager", "Tomcat.Deploy.Name": "/warehouse"},
                package="com.acme:warehouse",
                feed="Maven central",
                roles=["app-server"],
            ),
            runs=False,
        ),
        Plan(
            "Message bus",
            "Platform",
            _document(
                "Message bus",
                "Run the broker",
                "Octopus.DockerRun",
                {"Octopus.Action.Docker.NetworkType": "bridge", "Octopus.Action.Docker.RestartPolicy": "always"},
                package="acme/broker",
                feed="Container registry",
                roles=["app-server"],
            ),
            runs=False,
        ),
        Plan(
            "Edge proxy",
            "Platform",
            _document(
                "Edge proxy",
                "Configure NGINX",
                "Octopus.Nginx",
                {
                    "Octopus.Action.Nginx.Server.HostName": "edge.acme.test",
                    "Octopus.Action.EnabledFeatures": "Octopus.Features.Nginx",
                },
                package="Acme.Edge",
                roles=["edge"],
            ),
            runs=False,
            package="Acme.Edge",
        ),
        Plan(
            "Legacy intranet",
            "Retired",
            _document(
                "Legacy intranet",
                "Run PowerShell",
                "Octopus.Script",
                {
                    "Octopus.Action.Script.ScriptSource": "Inline",
                    "Octopus.Action.Script.Syntax": "PowerShell",
                    "Octopus.Action.Script.ScriptBody": "Write-Host 'intranet'",
                    "Octopus.Action.RunOnServer": "true",
                },
            ),
            runs=False,
            disabled=True,
        ),
        Plan("Maintenance scripts", "Operations", _script_only("Maintenance scripts", "Tidy up")),
    ]
