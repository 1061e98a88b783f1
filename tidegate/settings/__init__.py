"""What the user configured, and whether it is complete."""

from __future__ import annotations

from tidegate.settings.hosts import HostSettings, MainOnHostSettings, ReachSettings
from tidegate.settings.load import ENVIRONMENT_PREFIX, FILE_VARIABLE, load
from tidegate.settings.model import (
    ApprovalSettings,
    ApproverSettings,
    ContainerSettings,
    DatabaseSettings,
    EmbeddedSettings,
    FolderSettings,
    MainHostSettings,
    MainSettings,
    PolicySettings,
    ScriptSettings,
    Settings,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FILE_VARIABLE",
    "ApprovalSettings",
    "ApproverSettings",
    "ContainerSettings",
    "DatabaseSettings",
    "EmbeddedSettings",
    "FolderSettings",
    "HostSettings",
    "MainHostSettings",
    "MainOnHostSettings",
    "MainSettings",
    "PolicySettings",
    "ReachSettings",
    "ScriptSettings",
    "Settings",
    "load",
]
