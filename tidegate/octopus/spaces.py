"""Paths with and without a space: before 2019.1 there is none (Octopus docs, administration/spaces)."""

from __future__ import annotations


def in_space(space: str, path: str) -> str:
    """The path below ``/api`` in a space, which is empty where a server has no spaces."""
    return f"/api/{space}/{path}" if space else f"/api/{path}"
