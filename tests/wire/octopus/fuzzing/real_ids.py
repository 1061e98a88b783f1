"""Hooks of schemathesis: paths lead to things that exist, so that more than the 404 of each route is tried.

``FUZZING_IDS`` names a JSON file: ids by the collection they are in. Where a thing would be deleted, ids stay made up.
What was answered is counted into the file that ``FUZZING_ANSWERS`` names: by operation and status.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, cast

import schemathesis

_IDS: dict[str, list[str]] = json.loads(Path(os.environ["FUZZING_IDS"]).read_text(encoding="utf-8"))

_answers: defaultdict[str, Counter[int]] = defaultdict(Counter)
_counting = threading.Lock()

#: What a parameter is called where it is not the id of the collection before it.
_COLLECTIONS = {
    "environment": "environments",
    "tenant": "tenants",
    "projectId": "projects",
    "userId": "users",
    "typeOrId": "actiontemplates",
    "baseSpaceId": "spaces",
}

#: What the caller's rights hang on.
_RIGHTS = frozenset({"users", "teams", "userroles", "scopeduserroles", "spaces"})


@cast("Any", schemathesis).hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    operation = context.operation
    if path_parameters is None:
        return None
    segments = cast("str", operation.path).replace("/{baseSpaceId}", "").split("/")
    collection = segments[2].lower() if len(segments) > 2 else ""
    if operation.method.upper() == "DELETE":
        # schemathesis remembers ids that it was answered: among these, the caller's own user and key.
        return dict.fromkeys(path_parameters, "nothing") if collection in _RIGHTS else path_parameters
    found = {name: _IDS.get(_COLLECTIONS.get(name, collection), [value])[0] for name, value in path_parameters.items()}
    return {**path_parameters, **found}


@cast("Any", schemathesis).hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """The caller stays signed in: of the three places for a key that the document lists only the real one is sent, and
    the caller's own user is not made inactive.
    """
    for sent, name in ((case.query, "ApiKey"), (case.headers, "X-NuGet-ApiKey")):
        if sent:
            sent.pop(name, None)
    if case.path == "/api/users/{id}" and hasattr(case.body, "keys"):
        case.body["IsActive"] = True


@cast("Any", schemathesis).hook
def after_call(context: Any, case: Any, response: Any) -> None:
    with _counting:
        _answers[f"{case.operation.method.upper()} {case.operation.path}"][response.status_code] += 1


@atexit.register
def _write_down() -> None:
    Path(os.environ["FUZZING_ANSWERS"]).write_text(json.dumps(_answers), encoding="utf-8")
