"""Which versions there are, what lies between two of them, and which path leads from one to the other."""

from __future__ import annotations

from tidegate.versions.version import ChangeKind, Version

__all__ = ["ChangeKind", "Version"]
