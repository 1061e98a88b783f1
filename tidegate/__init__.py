"""Tidegate rehearses, verifies and gates upgrades of self-hosted Octopus Deploy servers."""

from __future__ import annotations

__version__ = "0.1.0"
