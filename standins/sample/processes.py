"""The deployment processes of the sample's projects: step by step, what each of them does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from standins.sample import steps
from standins.sample.foundations import Foundations
from standins.sample.instance import Resource

#: Gets what exists by then: foundations and the projects made before.
Process = Callable[[Foundations, dict[str, Resource]], list[Resource]]


def _say(text: str) -> str:
    return f'echo "{text}"'


def storefront(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def canary(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
    """Proves that secrets still decrypt: the log shows a digest of what the script was given, never the secret."""
    p = "Canary"
    body = (
        "for name in Canary.First Canary.Second Canary.Scoped Database.Password; do\n"
        '  echo "$name $(get_octopusvariable "$name" | sha256sum | cut -c1-64)"\n'
        "done"
    )
    del made
    return [steps.step(p, [steps.bash(p, "Digest the secrets", body)])]


def checkout(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def migrations(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def rolling(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def approval(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def train(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
    del made
    p = "Release train"
    return [
        steps.step(p, [steps.deploy_release(p, "Canary wagon", projects["Canary"])]),
        steps.step(p, [steps.bash(p, "All aboard", _say("The train has left"))]),
    ]


def library_step(made: Foundations, _: dict[str, Resource]) -> list[Resource]:
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


def script_only(project: str, *names: str) -> Process:
    def process(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
        del made, projects
        return [
            steps.step(project, [steps.bash(project, name, _say(f"{name}: #{{Octopus.Environment.Name}}"))])
            for name in names
        ]

    return process


def document(
    project: str,
    step: str,
    kind: str,
    properties: Resource,
    *,
    package: str = "",
    feed: str = "",
    roles: Sequence[str] = (),
) -> Process:
    """A process whose step only a real target, cloud or Windows machine could carry out."""

    def process(made: Foundations, projects: dict[str, Resource]) -> list[Resource]:
        del projects
        source = made.feeds[feed]["Id"] if feed else made.built_in_feed
        only = steps.action(project, step, kind, properties, package=(source, package) if package else None)
        return [steps.step(project, [only], roles=roles)]

    return process


def tenanted(project: str) -> Process:
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
