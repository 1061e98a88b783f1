"""Which versions there are, what lies between two of them, and which path leads from one to the other."""

from __future__ import annotations

from tidegate.versions.planner import Detour, Hop, Plan, Risk, WayBack, plan
from tidegate.versions.releases import ReleaseKnowledge, release_knowledge
from tidegate.versions.version import ChangeKind, Version

__all__ = [
    "ChangeKind",
    "Detour",
    "Hop",
    "Plan",
    "ReleaseKnowledge",
    "Risk",
    "Version",
    "WayBack",
    "plan",
    "release_knowledge",
]
