"""The licence and how far the instance keeps to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from standins.octopus.api.crud import body_of
from standins.octopus.api.errors import invalid
from standins.octopus.api.resources.settings import load_setting, save_setting
from standins.octopus.behaviour import events
from standins.octopus.contract import Call, Document, Reply, Route

#: Limit element of the licence XML, the name of the limit in the status, and what counts against it.
_LIMITS = (
    ("ProjectLimit", "Projects", "Project"),
    ("MachineLimit", "Targets", "Machine"),
    ("UserLimit", "Users", "User"),
    ("NodeLimit", "Nodes", "OctopusServerNode"),
    ("SpaceLimit", "Spaces", "Space"),
    ("TenantLimit", "Tenants", "Tenant"),
)


def _element(text: str, name: str) -> str | None:
    """The licence is one level of elements; they are read without trusting the text to be well-formed."""
    found = re.search(rf"<{name}>\s*([^<]*?)\s*</{name}>", text)
    return found[1] if found else None


def _text(call: Call) -> str:
    return str(load_setting(call, "license").get("LicenseText") or "")


def _limits(call: Call, text: str) -> Iterator[Document]:
    for element, name, kind in _LIMITS:
        value = _element(text, element)
        if value is None or (kind == "Space" and not call.server.at_least("2019.1")):
            continue
        used = call.transaction.count(kind)
        unlimited = not value.isdigit()
        exceeded = not unlimited and used > int(value)
        yield {
            "Name": name,
            "EffectiveLimit": 2147483647 if unlimited else int(value),
            "EffectiveLimitDescription": "Unlimited" if unlimited else value,
            "IsUnlimited": unlimited,
            "CurrentUsage": used,
            "Message": f"You have exceeded your limit of {value} {name.lower()}." if exceeded else None,
            "Disposition": "Error" if exceeded else "Information",
        }


def licence_status(call: Call) -> Document:
    """The status resource of the version."""
    text = _text(call)
    expires = _element(text, "ValidTo") or _element(text, "MaintenanceExpires")
    days = (date.fromisoformat(expires[:10]) - call.server.now().date()).days if expires else 0
    # Only a subscription ends; when maintenance ends the installed version goes on.
    expired = _element(text, "ValidTo") is not None and days < 0
    limits = list(_limits(call, text))
    broken = [limit for limit in limits if limit["Disposition"] == "Error"]
    compliant = not expired and not broken
    messages = [{"Message": limit["Message"], "Disposition": "Error"} for limit in broken]
    if expired:
        messages.append({"Message": f"Your license expired on {expires}.", "Disposition": "Error"})
    body: Document = {
        "Id": "licenses-current-status",
        "IsCompliant": compliant,
        "ComplianceSummary": "Your license is compliant." if compliant else "Your license is not compliant.",
        "HostingEnvironment": "SelfHosted",
        "EffectiveExpiryDate": expires,
        "DaysToEffectiveExpiryDate": days,
        "Messages": messages,
        "Limits": limits,
    }
    if call.server.at_least("2020.1"):
        body |= {
            "DoesExpiryBlockKeyActivities": _element(text, "ValidTo") is not None,
            "EffectiveNodeTaskLimit": 2147483647,
            "EffectiveClusterTaskLimit": 2147483647,
            "IsNodeTaskLimitControlledByLicense": False,
            "IsClusterTaskLimitControlledByLicense": False,
            "PermissionsMode": "Full",
        }
    else:
        body["LicenseKind"] = (
            "Trial" if _element(text, "Kind") == "Trial" else "CommercialLicense" if text else "CommunityEdition"
        )
    return body


def get_status(call: Call) -> Reply:
    return Reply({**licence_status(call), "Links": {"Self": "/api/licenses/licenses-current-status"}})


def _shown(text: str) -> Document:
    return {
        "Id": "licenses-current",
        "LicenseText": text,
        "SerialNumber": _element(text, "LicenseKey"),
        "Links": {"Self": "/api/licenses/licenses-current"},
    }


def get_licence(call: Call) -> Reply:
    return Reply(_shown(_text(call)))


def put_licence(call: Call) -> Reply:
    body = {name.lower(): value for name, value in body_of(call).items()}
    text = str(body.get("licensetext") or "")
    if not re.match(r"\s*<License[ >]", text) or _element(text, "LicenseKey") is None:
        raise invalid("The license text is not a valid license.")
    before = load_setting(call, "license")
    document = {**before, "Id": "license", "LicenseText": text, "SerialNumber": _element(text, "LicenseKey")}
    save_setting(call, document)
    events.modified(call, "License", {**document, "Name": "license"}, before)
    return Reply(_shown(text))


ROUTES = (
    Route("GET", "licenses/licenses-current", get_licence, "system", "AdministerSystem", operation="getLicense"),
    Route("PUT", "licenses/licenses-current", put_licence, "system", "AdministerSystem", operation="updateLicense"),
    Route("GET", "licenses/licenses-current-status", get_status, "system", "", operation="getLicenseStatus"),
)
