"""The images of projects, tenants and step templates that a snapshot downloaded."""

from __future__ import annotations

from tidegate.observation.store import FILE, Snapshot


def images(snapshot: Snapshot) -> dict[str, str]:
    """Place → digest of every image that the administrator could download."""
    found = snapshot.rows(
        "user = ? AND form = ? AND status BETWEEN 200 AND 299 AND type LIKE 'image/%'", (snapshot.administrator, FILE)
    )
    return {one.place: one.digest for one in found}
