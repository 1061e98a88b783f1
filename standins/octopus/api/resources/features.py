"""Smaller things: capabilities, toggles, dynamic extensions, onboarding, connectivity checks."""

from __future__ import annotations

from standins.octopus.api.crud import body_of, find_item
from standins.octopus.api.errors import not_found
from standins.octopus.api.queries import split_list
from standins.octopus.api.rendering import slice_page
from standins.octopus.api.resources.settings import load_setting, save_setting
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: Commands and requests that clients ask for by name from 2022.3 on (api-client.ts, generated capability pages).
_CAPABILITIES = (
    "CreateReleaseCommandV1",
    "CreateDeploymentUntenantedCommandV1",
    "CreateDeploymentTenantedCommandV1",
    "CreateRunbookRunCommandV1",
)


def capabilities(_call: Call) -> Reply:
    return Reply({"Capabilities": list(_CAPABILITIES)})


def capability(call: Call) -> Reply:
    if call.path["name"].lower() not in {name.lower() for name in _CAPABILITIES}:
        raise not_found(call.path["name"])
    return Reply({"Exists": True})


def feature_toggles(call: Call) -> Reply:
    """No toggle is on; clients take an empty list for that (OctopusDeploy/cli)."""
    split_list(call.query.get("name"))
    return Reply({"FeatureToggles": []})


def enabled_toggles(_call: Call) -> Reply:
    return Reply([])


def retention_default(_call: Call) -> Reply:
    return Reply(
        {
            "Id": "retention-default",
            "ReleaseRetentionPeriod": {"Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True},
        }
    )


def clear_cache(_call: Call) -> Reply:
    return Reply({})


def extension_metadata(_call: Call) -> Reply:
    return Reply({"Features": []})


def extension_values(call: Call) -> Reply:
    return Reply({"Values": load_setting(call, "dynamic-extensions").get("Values") or {}})


def put_extension_values(call: Call) -> Reply:
    values: Document = next((value for name, value in body_of(call).items() if name.lower() == "values"), None) or {}
    save_setting(call, {"Id": "dynamic-extensions", "Values": values})
    return Reply({"Values": values})


def extension_scripts(_call: Call) -> Reply:
    return Reply([])


def onboarding(call: Call) -> Reply:
    """The tasks of the portal's getting-started page, with what is done already."""
    steps = (
        ("Environments", "DeploymentEnvironment"),
        ("DeploymentTargets", "Machine"),
        ("Projects", "Project"),
        ("Releases", "Release"),
    )
    return Reply(
        {
            "Tasks": [
                {
                    "Name": name,
                    "Category": "Getting started",
                    "IsEnabled": True,
                    "IsComplete": call.transaction.count(kind, space=call.space) > 0,
                    "SortOrder": position,
                }
                for position, (name, kind) in enumerate(steps)
            ],
            "Links": {"Self": call.url.partition("?")[0]},
        }
    )


def connectivity(_call: Call) -> Reply:
    """Checks of outside systems: from a stand-in none can be reached."""
    return Reply({"Messages": [{"Category": "Error", "Message": "The server could not be contacted."}]})


def disabled_provider(_call: Call) -> Reply:
    """Octopus ID exists from 2019 on and is off until someone configures it."""
    raise ApiError(400, "Extension is disabled.")


def no_challenge(call: Call) -> Reply:
    """Answers of Let's Encrypt challenges exist only while a certificate is being issued."""
    raise not_found(call.path["token"])


def test_version_control(call: Call) -> Reply:
    find_item(call, "Project", call.path["projectId"])
    return connectivity(call)


def worker_tools(_call: Call) -> Reply:
    """Tags of the worker-tools image that are told apart by platform (Docker Hub octopusdeploy/worker-tools)."""
    return Reply(
        {
            "UbuntuLatest": "octopusdeploy/worker-tools:ubuntu.18.04",
            "WindowsLatest": "octopusdeploy/worker-tools:windows.ltsc2019",
        }
    )


def variable_set_test(_call: Call) -> Reply:
    return Reply([])


def empty_page(call: Call) -> Reply:
    """Collections that exist and are empty in a stand-in without extensions."""
    return Reply(slice_page(call, "Resource", list[Document]()))


ROUTES = (
    Route("GET", "capabilities", capabilities, "system", "", "2022.3"),
    Route("GET", "capabilities/{name}", capability, "system", "", "2022.3"),
    Route("GET", "configuration/feature-toggles", feature_toggles, "system", "", "2022.3"),
    Route("GET", "configuration/enabled-feature-toggles", enabled_toggles, "system", "", "2022.1"),
    Route("GET", "configuration/retention-default", retention_default, "system", "", "2022.1"),
    Route("POST", "configuration/versioncontrol/clear-cache", clear_cache, "system", "AdministerSystem", "2020.4"),
    Route("GET", "dynamic-extensions/features/metadata", extension_metadata, "system", None, "2020.1"),
    Route("GET", "dynamic-extensions/features/values", extension_values, "system", None, "2020.1"),
    Route("PUT", "dynamic-extensions/features/values", put_extension_values, "system", "AdministerSystem", "2020.1"),
    Route("GET", "dynamic-extensions/scripts", extension_scripts, "system", "", "2020.1"),
    Route("GET", "useronboarding", onboarding, "space", "", "", "2023.3", operation="getOnboarding"),
    Route("POST", "azuredevopsissuetracker/connectivitycheck", connectivity, "system", None, "2020.1"),
    Route("POST", "jiraintegration/connectivitycheck/connectapp", connectivity, "system", None, "2020.1"),
    Route("POST", "jiraintegration/connectivitycheck/jira", connectivity, "system", None, "2020.1"),
    Route("POST", "githubissuetracker/connectivitycheck", connectivity, "system", None, "2022.1"),
    Route(
        "POST",
        "projects/{projectId}/versioncontrolsettings/test",
        test_version_control,
        "space",
        "ProjectEdit",
        "2020.5",
        "2022.1",
    ),
    Route("POST", "users/authenticatedToken/OctopusID", disabled_provider, "system", None, "2020.1"),
    Route("POST", "//users/authenticate/OctopusID", disabled_provider, "system", None, "2020.1"),
    Route("GET", "//.well-known/acme-challenge/{token}", no_challenge, "system", None),
    # The 2020.5 swagger spells it with an empty segment.
    Route("GET", "//.well-known/acme-challenge//{token}", no_challenge, "system", None),
    Route("GET", "workertoolslatestimages", worker_tools, "system", "", "2020.1"),
    Route("GET", "tenants/variableset-test", variable_set_test, "space", "TenantView", "2019.1", "2025.1"),
    Route("GET", "issuetrackers", empty_page, "system", "", "2019.1"),
)
