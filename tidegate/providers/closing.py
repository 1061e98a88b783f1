"""The end of several things, each of which has to come whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable


def close_all(*steps: Callable[[], object]) -> None:
    """Take every step in order, also after one that fails; then raise the first error, with the others noted on it."""
    first: BaseException | None = None
    for step in steps:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 -- it is raised, or noted on the one that is
            if first is None:
                first = error
            else:
                first.add_note(f"after that: {type(error).__name__}: {error}")
    if first is not None:
        raise first
