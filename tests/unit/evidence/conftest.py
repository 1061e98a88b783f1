"""Gives each test a small rehearsal of its own."""

from __future__ import annotations

from tests.unit.process.conftest import rehearsal

__all__ = ["rehearsal"]
