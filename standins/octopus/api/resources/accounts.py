"""Accounts, proxies and feeds: credentials for the world outside."""

from __future__ import annotations

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from standins.octopus.api import hooks
from standins.octopus.api.crud import find_item
from standins.octopus.api.errors import invalid, not_found
from standins.octopus.behaviour.documents import folded, listed, mapped
from standins.octopus.contract import ApiError, Call, Document, Reply, Route

#: Account types with the version they came with (AccountType of OctopusClients by tag).
_ACCOUNT_TYPES = {
    "UsernamePassword": "",
    "SshKeyPair": "",
    "Token": "",
    "AzureSubscription": "",
    "AzureServicePrincipal": "",
    "AmazonWebServicesAccount": "",
    "AmazonWebServicesRoleAccount": "",
    "GoogleCloudAccount": "2022.1",
    "AzureOidc": "2023.1",
    "AmazonWebServicesOidcAccount": "2024.1",
    "GenericOidcAccount": "2025.1",
}


def _prepare_account(call: Call, document: Document, existing: Document | None) -> None:
    kind = str(document.get("AccountType") or "")
    since = _ACCOUNT_TYPES.get(kind)
    if since is None or (since and not call.server.at_least(since)):
        raise invalid(f"The account type '{kind}' is not supported.")
    if existing is not None and existing["AccountType"] != kind:
        raise invalid("The type of an account cannot be changed.")
    if document.get("TenantedDeploymentParticipation") == "Untenanted" and (
        document.get("TenantIds") or document.get("TenantTags")
    ):
        raise invalid("An account that takes no part in tenanted deployments cannot be connected to tenants.")


def _before_delete_account(call: Call, account: Document) -> None:
    for machine in call.transaction.query("Machine", space=call.space):
        if mapped(machine, "Endpoint").get("AccountId") == account["Id"]:
            raise invalid(f"This account is used by deployment target {machine['Name']} and cannot be deleted.")


hooks.register("Account", prepare=_prepare_account, before_delete=_before_delete_account)


def usages(call: Call) -> Reply:
    """Where the account's id stands: in targets, in variables, in steps."""
    account = find_item(call, "Account", call.path["id"])
    document_id, transaction = account["Id"], call.transaction
    machines = [
        machine
        for machine in transaction.query("Machine", space=call.space)
        if mapped(machine, "Endpoint").get("AccountId") == document_id
    ]
    projects = {project["Id"]: project for project in transaction.query("Project", space=call.space)}
    libraries = {library["Id"]: library for library in transaction.query("LibraryVariableSet", space=call.space)}
    owners = {
        variables["OwnerId"]
        for variables in transaction.query("VariableSet", where={"IsFrozen": False}, space=call.space)
        if any(variable.get("Value") == document_id for variable in listed(variables, "Variables"))
    }
    processes: list[Document] = []
    for process in transaction.query("DeploymentProcess", where={"IsFrozen": False}, space=call.space):
        project = projects.get(process["OwnerId"])
        steps = [
            {"StepId": step["Id"], "StepName": step["Name"]}
            for step in listed(process, "Steps")
            if _uses(step, document_id)
        ]
        if steps and project:
            processes.append(
                {
                    "ProjectId": project["Id"],
                    "ProjectName": project["Name"],
                    "ProjectSlug": project["Slug"],
                    "Steps": steps,
                }
            )
    body: Document = {
        "Targets": [{"TargetId": machine["Id"], "TargetName": machine["Name"]} for machine in machines],
        "DeploymentProcesses": processes,
        "Releases": [],
        "ProjectVariableSets": [
            {
                "ProjectId": owner,
                "ProjectName": projects[owner]["Name"],
                "ProjectSlug": projects[owner]["Slug"],
                "IsCurrentlyBeingUsedInProject": True,
                "Releases": [],
            }
            for owner in sorted(owners)
            if owner in projects
        ],
        "LibraryVariableSets": [
            {"LibraryVariableSetId": owner, "LibraryVariableSetName": libraries[owner]["Name"]}
            for owner in sorted(owners)
            if owner in libraries
        ],
    }
    if call.server.at_least("2019.11"):
        body |= {"RunbookProcesses": [], "RunbookSnapshots": []}
    return Reply(body)


def _uses(step: Document, document_id: str) -> bool:
    return any(
        value == document_id for action in listed(step, "Actions") for value in mapped(action, "Properties").values()
    )


def public_key(call: Call) -> Reply:
    """The public half of an SSH key, derived from the private one, as a line of ``authorized_keys``."""
    account = find_item(call, "Account", call.path["id"])
    if account["AccountType"] != "SshKeyPair":
        raise not_found()
    decrypt = call.server.master_key.decrypt
    passphrase = account.get("PrivateKeyPassphrase")
    try:
        content = base64.b64decode(decrypt(str(account["PrivateKeyFile"])))
        secret = decrypt(str(passphrase)).encode() if passphrase else None
        load = load_ssh_private_key if b"OPENSSH" in content else load_pem_private_key
        public = load(content, secret).public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ApiError(400, "The private key of this account could not be read.") from problem
    return Reply(line.decode(), media_type="text/plain")


def azure_environments(_call: Call) -> Reply:
    """The public cloud's addresses (Azure SDK, AzureEnvironment)."""
    return Reply(
        [
            {
                "Name": "AzureCloud",
                "DisplayName": "Azure Global Cloud (Default)",
                "AuthenticationEndpoint": "https://login.microsoftonline.com/",
                "ResourceManagerEndpoint": "https://management.azure.com/",
                "GraphEndpoint": "https://graph.windows.net/",
                "ManagementEndpoint": "https://management.core.windows.net/",
                "StorageEndpointSuffix": ".core.windows.net",
            }
        ]
    )


def needs_azure(call: Call) -> Reply:
    """What lies in Azure cannot be looked up: the stand-in reaches nothing outside."""
    account = find_item(call, "Account", call.path["id"])
    if account["AccountType"] != "AzureServicePrincipal":
        raise ApiError(400, "Account must be an Azure Service Principal Account.")
    raise ApiError(401, "Azure could not be reached with this account.")


# -- feeds -----------------------------------------------------------------------------------------------------------

_FEED_TYPES = {
    "NuGet": "",
    "Docker": "",
    "Maven": "",
    "GitHub": "",
    "Helm": "",
    "AwsElasticContainerRegistry": "",
    "OctopusProject": "",
    "BuiltIn": "2019.1",
    "S3": "2022.1",
    "OciRegistry": "2023.1",
    "AzureContainerRegistry": "2023.1",
    "GoogleContainerRegistry": "2023.1",
    "ArtifactoryGeneric": "2024.1",
}

#: Feeds that have no address of their own, or whose address follows from their region or a default.
_WITHOUT_URI = frozenset({"BuiltIn", "OctopusProject", "AwsElasticContainerRegistry", "GitHub", "S3"})

#: Where packages of a feed type can be fetched (values as the portal offers them; the containers never come by the
#: server).
_CONTAINERS = frozenset(
    {"Docker", "AwsElasticContainerRegistry", "OciRegistry", "AzureContainerRegistry", "GoogleContainerRegistry"}
)


def _prepare_feed(call: Call, document: Document, existing: Document | None) -> None:
    kind = str(document.get("FeedType") or "NuGet")
    since = _FEED_TYPES.get(kind)
    if since is None or (since and not call.server.at_least(since)):
        raise invalid(f"The feed type '{kind}' is not supported.")
    if existing is None and kind in ("BuiltIn", "OctopusProject"):
        raise invalid(f"Feeds of type {kind} cannot be created.")
    if existing is not None and existing["FeedType"] != kind:
        raise invalid("The type of a feed cannot be changed.")
    document["FeedType"] = kind
    document["FeedUri"] = document.get("FeedUri") or (existing or {}).get("FeedUri") or ""
    if kind not in _WITHOUT_URI and not document["FeedUri"]:
        raise invalid("Please provide a value for FeedUri.")
    acquired = (
        ["ExecutionTarget", "NotAcquired"] if kind in _CONTAINERS else ["Server", "ExecutionTarget", "NotAcquired"]
    )
    document["PackageAcquisitionLocationOptions"] = acquired


def _before_delete_feed(call: Call, feed: Document) -> None:
    if feed["FeedType"] in ("BuiltIn", "OctopusProject"):
        raise ApiError(400, "This resource is read-only and cannot be deleted.")
    for process in call.transaction.query("DeploymentProcess", where={"IsFrozen": False}, space=call.space):
        for step in listed(process, "Steps"):
            for action in listed(step, "Actions"):
                if any(package.get("FeedId") == feed["Id"] for package in listed(action, "Packages")):
                    raise invalid(
                        f"This feed is used by step {step['Name']} of {process['OwnerId']} and cannot be deleted."
                    )


hooks.register("Feed", prepare=_prepare_feed, before_delete=_before_delete_feed)


def _prepare_git_credential(call: Call, document: Document, existing: Document | None) -> None:
    """Restrictions that a client does not send stay as they are (end-to-end tests of go-octopusdeploy)."""
    if existing is not None and folded(call.body).get("repositoryrestrictions") is None:
        document["RepositoryRestrictions"] = existing.get("RepositoryRestrictions")


hooks.register("GitCredential", prepare=_prepare_git_credential)

ROUTES = (
    Route("GET", "accounts/azureenvironments", azure_environments, "system", None, operation="listAzureEnvironments"),
    Route("GET", "accounts/{id}/usages", usages, "space", "AccountView", "2019.1", operation="getAccountUsages"),
    Route("GET", "accounts/{id}/pk", public_key, "space", "AccountView"),
    Route("GET", "accounts/{id}/resourceGroups", needs_azure, "space", "AccountView"),
    Route("GET", "accounts/{id}/storageAccounts", needs_azure, "space", "AccountView"),
    Route("GET", "accounts/{id}/websites", needs_azure, "space", "AccountView"),
    Route(
        "GET",
        "accounts/{id}/{resourceGroupName}/websites/{webSiteName}/slots",
        needs_azure,
        "space",
        "AccountView",
        "2019.1",
    ),
)
