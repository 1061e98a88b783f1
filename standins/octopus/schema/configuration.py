"""The documents of the Configuration table: their ids, and what a new database holds."""

from __future__ import annotations

import uuid
from typing import Any, Final

MAINTENANCE: Final = "maintenance"
UPGRADE_AVAILABILITY: Final = "upgradeavailability"
LICENSE: Final = "license"
CERTIFICATE: Final = "certificate-global"

#: Server folder (as ``path`` names it) → document and property. That they are in the database is documented; the names
#: are the stand-in's own, after the document types of 2018 (ArtifactStorageConfiguration, …).
FOLDERS: Final = {
    "nugetRepository": ("repository", "PackagesDirectory"),
    "artifacts": ("artifactstorage", "ArtifactsDirectory"),
    "taskLogs": ("activitylogstorage", "TaskLogsDirectory"),
    "imports": ("importstorage", "ImportsDirectory"),
    "eventExports": ("eventexportstorage", "EventExportsDirectory"),
    "telemetry": ("telemetrystorage", "TelemetryDirectory"),
}


def initial_documents() -> dict[str, dict[str, Any]]:
    """Id → JSON, for the oldest version here; scripts carry them on."""
    return {
        UPGRADE_AVAILABILITY: {"InstallationId": str(uuid.uuid4()), "LatestAvailableVersion": None},
        MAINTENANCE: {"IsInMaintenanceMode": False},
        "features": {
            "IsMultiTenancyEnabled": True,
            "IsDockerEnabled": True,
            "IsBuiltInRepoSyncEnabled": False,
            "IsCommunityActionTemplatesEnabled": True,
            "IsBuiltInWorkerEnabled": True,
        },
        "smtp": {"SmtpHost": None, "SmtpPort": 25, "SendEmailFrom": None, "SmtpLogin": None, "EnableSsl": False},
        "server": {"ServerUri": None},
        "schedule": {"RetentionSchedule": "00:00:00"},
        "upgrade": {"NotificationMode": "AlwaysShow", "AllowChecking": True, "IncludeStatistics": True},
        "repository": {"PackagesDirectory": None, "DeleteUnreleasedPackagesAfterDays": None},
        "artifactstorage": {"ArtifactsDirectory": None},
        "activitylogstorage": {"TaskLogsDirectory": None},
        "performance": {"DefaultDashboardRenderMode": "VirtualizeColumns"},
        "letsencrypt": {"Enabled": False},
    }
