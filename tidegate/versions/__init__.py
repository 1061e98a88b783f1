"""Which versions there are, what lies between two of them, and which path leads from one to the other."""

from __future__ import annotations

from tidegate.versions.planner import Hop, Plan, Risk, plan
from tidegate.versions.releases import ReleaseKnowledge, release_knowledge
from tidegate.versions.version import ChangeKind, Version

__all__ = ["ChangeKind", "Hop", "Plan", "ReleaseKnowledge", "Risk", "Version", "plan", "release_knowledge"]
