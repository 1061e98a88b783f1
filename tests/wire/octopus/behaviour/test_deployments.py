"""Deployments are really carried out: scripts, values, packages, conditions, targets, people."""

from __future__ import annotations

import hashlib

from tests.wire.octopus.behaviour.workshop import Json, Workshop, bash, refused, step, variable


def test_a_script_sees_variables_and_its_output_reaches_the_log(shop: Workshop) -> None:
    task, lines = shop.run(
        [bash("Say", 'echo "hello $(get_octopusvariable Who) in #{Octopus.Environment.Name}"')],
        [variable("Who", "world")],
    )

    assert task["State"] == "Success"
    assert "hello world in Development" in lines


def test_the_value_of_the_most_specific_scope_wins(shop: Workshop) -> None:
    development = shop.named("environments", "Development")["Id"]
    test = shop.named("environments", "Test")["Id"]
    values = [
        variable("Colour", "grey"),
        variable("Colour", "green", {"Environment": [development]}),
        variable("Colour", "red", {"Environment": [test]}),
        variable("Colour", "blue", {"Environment": [development], "Role": ["web-server"]}),
    ]
    steps = [
        bash("Plain", 'echo "server: #{Colour}"'),
        bash("On targets", 'echo "#{Octopus.Machine.Name}: #{Colour}"', roles=["web-server"], on_server=False),
    ]

    _, lines = shop.run(steps, values)

    assert "server: green" in lines
    assert "Development web-server region: blue" in lines


def test_a_failing_script_fails_the_task_and_later_steps_obey_their_conditions(shop: Workshop) -> None:
    steps = [
        bash("Break", "echo before; exit 7"),
        bash("Next", "echo next"),
        bash("Mend", "echo mending", Condition="Failure"),
        bash("Close", "echo closing", Condition="Always"),
    ]

    task, lines = shop.run(steps)

    assert task["State"] == "Failed"
    assert "Break" in task["ErrorMessage"]
    assert task["HasWarningsOrErrors"]
    assert "The remote script failed with exit code 7" in lines
    assert {"before", "mending", "closing"} <= set(lines)
    assert "next" not in lines


def test_output_variables_and_artifacts_pass_from_step_to_step(shop: Workshop) -> None:
    steps = [
        bash("Make", 'set_octopusvariable Answer 42\necho data > out.txt\nnew_octopusartifact out.txt "result.txt"'),
        bash("Use", 'echo "answer #{Octopus.Action[Make].Output.Answer}"'),
    ]
    deployment = shop.deploy(shop.release(shop.project(steps)))

    assert shop.finished(deployment)["State"] == "Success"
    assert "answer 42" in shop.lines(deployment)
    found = shop.get(f"artifacts?regarding={deployment['Id']}")["Items"]
    assert [(item["Filename"], item["ServerTaskId"]) for item in found] == [("result.txt", deployment["TaskId"])]
    assert shop.send("GET", found[0]["Links"]["Content"]).content == b"data\n"


def test_secrets_reach_the_script_and_never_the_log(shop: Workshop) -> None:
    secret = "a-very-secret-word"
    body = (
        'value="$(get_octopusvariable Secret)"\necho "plain $value"\n'
        'echo "digest $(printf %s "$value" | sha256sum | cut -c1-64)"'
    )
    deployment = shop.deploy(
        shop.release(shop.project([bash("Use", body)], [variable("Secret", secret, Type="Sensitive")]))
    )

    shop.finished(deployment)

    log = shop.log(deployment)
    assert secret not in log
    assert "plain ********" in log
    assert hashlib.sha256(secret.encode()).hexdigest() in log
    manifest = shop.get(f"deployments/{deployment['Id']}")["ManifestVariableSetId"]
    assert secret not in shop.send("GET", f"variables/{manifest}").text


def test_the_release_keeps_the_values_it_was_made_with(shop: Workshop) -> None:
    project = shop.project([bash("Say", "echo value #{Word}")], [variable("Word", "old")])
    release = shop.release(project)
    current = shop.get(f"variables/{project['VariableSetId']}")
    current["Variables"][0]["Value"] = "new"
    shop.put(f"variables/{current['Id']}", current)

    before = shop.deploy(release)
    shop.finished(before)
    template = shop.get(f"releases/{release['Id']}/deployments/template")
    shop.post(f"releases/{release['Id']}/snapshot-variables")
    after = shop.deploy(release)
    shop.finished(after)

    assert "value old" in shop.lines(before)
    assert "value new" in shop.lines(after)
    assert template["IsVariableSetModified"]
    assert not template["IsDeploymentProcessModified"]


def test_a_package_is_extracted_and_its_script_runs(shop: Workshop) -> None:
    package: Json = {
        "Name": "",
        "PackageId": "Acme.Storefront",
        "FeedId": "feeds-builtin",
        "AcquisitionLocation": "Server",
        "Properties": {},
    }
    steps = [step("Install", "Octopus.TentaclePackage", {}, roles=["web-server"], packages=[package])]
    project = shop.project(steps)
    missing = shop.send("POST", "releases", {"ProjectId": project["Id"], "Version": "1.0.0"})
    release = shop.release(project, packages=[{"ActionName": "Install", "Version": "1.0.1"}])

    deployment = shop.deploy(release)

    assert "Install" in refused(missing)
    assert shop.finished(deployment)["State"] == "Success"
    assert "Acme.Storefront 1.0.1 is in place in Development" in shop.lines(deployment)


def test_a_package_that_is_not_there_fails_before_any_step(shop: Workshop) -> None:
    package: Json = {"Name": "", "PackageId": "Nobody.Has", "FeedId": "feeds-builtin", "Properties": {}}
    steps = [
        bash("First", "echo first"),
        step("Install", "Octopus.TentaclePackage", {}, roles=["web-server"], packages=[package]),
    ]
    release = shop.release(shop.project(steps), packages=[{"ActionName": "Install", "Version": "1.0.0"}])
    deployment = shop.deploy(release)

    task = shop.finished(deployment)

    assert task["State"] == "Failed"
    assert "Nobody.Has" in task["ErrorMessage"]
    assert "first" not in shop.lines(deployment)


def test_an_action_this_server_cannot_do_fails_and_says_so(shop: Workshop) -> None:
    task, lines = shop.run([step("Cloud", "Octopus.AzureWebApp", {"Octopus.Action.RunOnServer": "true"})])

    assert task["State"] == "Failed"
    assert any("Octopus.AzureWebApp" in line for line in lines)


def test_disabled_targets_take_no_part(shop: Workshop) -> None:
    task, lines = shop.run(
        [bash("Touch", "echo on #{Octopus.Machine.Name}", roles=["web-server"], on_server=False)],
        environment="Production",
    )

    assert task["State"] == "Success"
    assert [line for line in lines if line.startswith("on ")] == ["on Production web-server region"]


def test_an_enabled_tentacle_cannot_be_reached(shop: Workshop) -> None:
    role = "lonely"
    endpoint = {
        "CommunicationStyle": "TentaclePassive",
        "Uri": "https://lonely.acme.test:10933/",
        "Thumbprint": "AB" * 20,
    }
    sandbox = shop.named("environments", "Sandbox")
    machine = shop.post(
        "machines",
        {
            "Name": "LONELY",
            "EnvironmentIds": [sandbox["Id"]],
            "Roles": [role],
            "Endpoint": endpoint,
            "Thumbprint": "AB" * 20,
        },
    )

    task, lines = shop.run([bash("Touch", "echo here", roles=[role], on_server=False)], environment="Sandbox")
    shop.delete(f"machines/{machine['Id']}")

    assert task["State"] == "Failed"
    assert any("LONELY could not be contacted" in line for line in lines)


def test_without_targets_the_project_says_whether_that_is_fine(shop: Workshop) -> None:
    steps = [bash("Touch", "echo here", roles=["nobody-has-this"], on_server=False)]
    strict = shop.deploy(shop.release(shop.project(steps)))
    policy = {"AllowDeploymentsToNoTargets": True}
    relaxed = shop.deploy(shop.release(shop.project(steps, ProjectConnectivityPolicy=policy)))

    assert shop.finished(strict)["State"] == "Failed"
    assert shop.finished(relaxed)["State"] == "Success"
