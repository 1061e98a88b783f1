"""Which instances of a rehearsal are no real products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def played_by_stand_ins(settings: Mapping[str, Any]) -> Sequence[str]:
    """The instances that stand-ins play in a run with these settings, as its evidence holds them."""
    test_instance: Mapping[str, Any] = settings.get("test_instance") or {}
    plays = {
        "the main instance": settings.get("main") is None,
        "the test instance": test_instance.get("provider") == "embedded",
    }
    return [instance for instance, played in plays.items() if played]
