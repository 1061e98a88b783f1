"""PERM: everybody may do what they could do, no less and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tidegate.checks.finding import Finding, Severity
from tidegate.checks.rights import (
    Assignment,
    Grant,
    Renames,
    UserRights,
    reduced,
    renames,
    role_permissions,
    team_roles,
    user_rights,
    without_spaces,
)
from tidegate.observation.snapshot import version_of
from tidegate.observation.store import Snapshot

LOST: Final = "people are refused what they could do before the upgrade"
GAINED: Final = "people may do what they could not do before the upgrade"


def compare_permissions(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """Users, roles and teams of two snapshots, whatever shape their versions give them."""
    changed = renames(version_of(before), version_of(after))
    gains_spaces = not before.about["spaces"] and bool(after.about["spaces"])
    yield from _users(before, after, changed, gains_spaces=gains_spaces)
    yield from _roles(before, after, changed)
    yield from _teams(before, after)


def _users(before: Snapshot, after: Snapshot, changed: Renames, *, gains_spaces: bool) -> Iterator[Finding]:
    had, has = user_rights(before), user_rights(after)
    for place, old in had.items():
        new = has.get(place)
        if new is None:
            continue  # told as a resource that is gone
        if gains_spaces:
            new = without_spaces(new, after.default_space)
        yield from _user(place, old, new, changed)


def _user(place: str, old: UserRights, new: UserRights, changed: Renames) -> Iterator[Finding]:
    lost: dict[str, Any] = {}
    gained: dict[str, Any] = {}
    heirs: set[str] = set()
    for permission, grants in old.grants.items():
        names = changed.replaced.get(permission, (permission,))
        heirs.update(names)
        kept = reduced(frozenset(grant for name in (*names, permission) for grant in new.grants.get(name, ())))
        # A permission under another name is restricted by that one's rules; it only has to be there.
        if not (kept if permission in changed.replaced else _covers(kept, reduced(grants))):
            lost[permission] = (_shown(reduced(grants)), _shown(kept))
    for permission, grants in new.grants.items():
        known = old.grants.get(permission, frozenset[Grant]())
        if permission in changed.new or (permission in heirs and permission not in old.grants):
            continue
        if not _covers(reduced(known), reduced(grants)):
            gained[permission] = (_shown(reduced(known)), _shown(reduced(grants)))
    name = f"{place}/permissions" + (f" ({old.name})" if old.name else "")
    for found, consequence in ((lost, LOST), (gained, GAINED)):
        if found:
            yield _finding(f"{name}: {', '.join(sorted(found))}", found, consequence)
    if not old.teams <= new.teams:
        yield Finding(
            check="PERM", severity=Severity.BREAKING, place=f"{name}: Teams", before=sorted(old.teams),
            after=sorted(new.teams), consequence=LOST,
        )  # fmt: skip


def _covers(having: Iterable[Grant], wanted: Iterable[Grant]) -> bool:
    """Whether every grant wanted is there, as it is or without restrictions in the same space."""
    there = set(having)
    free = {grant[4] for grant in there if not any(grant[:4])}
    return all(grant in there or grant[4] in free for grant in wanted)


def _roles(before: Snapshot, after: Snapshot, changed: Renames) -> Iterator[Finding]:
    had, has = role_permissions(before), role_permissions(after)
    for place, old in had.items():
        if place not in has:
            continue
        expected: set[str] = set()
        lost: set[str] = set()
        for permission in old:
            heirs = changed.replaced.get(permission, (permission,))
            expected.update(heirs)
            if not has[place] & {*heirs, permission}:
                lost.add(permission)
        if place in changed.narrowed:
            lost.clear()
        gained = has[place] - old - expected - changed.new
        for found, consequence in ((lost, LOST), (gained, GAINED)):
            if found:
                yield Finding(
                    check="PERM", severity=Severity.BREAKING, place=f"{place}: {', '.join(sorted(found))}",
                    before=sorted(old), after=sorted(has[place]), consequence=consequence,
                )  # fmt: skip


def _teams(before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    had, has = team_roles(before), team_roles(after)
    for place, old in had.items():
        new = has.get(place, frozenset[Assignment]())
        lost, gained = old - new, new - old
        if not before.about["spaces"]:
            # What 2019.1 gives built-in teams for the new system and space roles is not more than they could do: the
            # rights of each user are compared besides (Octopus docs, security/users-and-teams).
            gained = frozenset(assignment for assignment in gained if any(assignment[1:]))
        if lost or gained:
            yield Finding(
                check="PERM", severity=Severity.BREAKING, place=f"{place}: roles",
                before=[_assignment(one) for one in sorted(lost, key=str)],
                after=[_assignment(one) for one in sorted(gained, key=str)],
                consequence=LOST if lost else GAINED,
            )  # fmt: skip


def _assignment(assignment: Assignment) -> str:
    role, *scopes = assignment
    limits = [limit for scope in scopes for limit in sorted(scope)]
    return f"{role} limited to {', '.join(limits)}" if limits else role


def _shown(grants: Iterable[Grant]) -> list[str]:
    shown: list[str] = []
    for grant in grants:
        limits = [limit for scope in grant[:4] for limit in sorted(scope)]
        shown.append((", ".join(limits) or "unrestricted") + (f" in {grant[4]}" if grant[4] else ""))
    return sorted(shown)


def _finding(place: str, found: dict[str, Any], consequence: str) -> Finding:
    return Finding(
        check="PERM",
        severity=Severity.BREAKING,
        place=place,
        before={permission: values[0] for permission, values in found.items()},
        after={permission: values[1] for permission, values in found.items()},
        consequence=consequence,
    )
