"""2019.11: the permissions of runbooks, and the roles Runbook Consumer and Runbook Producer (Octopus docs)."""

from __future__ import annotations

from standins.octopus.contract import Version
from standins.octopus.schema.context import ScriptContext
from standins.octopus.schema.new_permissions import grant_new


def run(context: ScriptContext) -> None:
    names = ("RunbookView", "RunbookEdit", "RunbookRunView", "RunbookRunCreate", "RunbookRunDelete")
    grant_new(context, Version(2019, 11, 0), names)
