"""Reading the shapes in which Octopus serves things: pages, arrays and single resources, and the links they carry."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from tidegate.secrets import redactor

Document = dict[str, Any]

#: Properties of the collection envelope that say where in the list one is (recorded pages of 2017, 2018 and 2023).
_ENVELOPE: Final = frozenset(
    {
        "Id", "Items", "Links", "TotalResults", "ItemsPerPage", "NumberOfPages", "LastPageNumber", "IsStale",
        "LastModifiedOn", "LastModifiedBy",
    }
)  # fmt: skip

#: The one property of what is kept of a body that was said to be JSON and is none: its beginning.
NOT_JSON: Final = "NotJson"

#: Properties whose text is a credential where it is served at all; a snapshot keeps a digest instead.
_CREDENTIAL_NAMES: Final = (
    "ApiKey", "LicenseText", "Password", "NewValue", "PrivateKey", "PrivateKeyFile", "SecretKey", "Token",
    "access_token",
)  # fmt: skip
_CREDENTIALS: Final = re.compile(
    rf'("(?:{"|".join(_CREDENTIAL_NAMES)})"\s*:\s*")((?:[^"\\]|\\.)+)"',
    re.IGNORECASE,
)
#: Finding these words first costs a tenth of what the expression costs where there is none, which is nearly everywhere.
_QUOTED_NAMES: Final = tuple(f'"{name.lower()}"' for name in _CREDENTIAL_NAMES)


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list as one answer shows it: a page of a collection, or a bare array."""

    items: list[Any]
    total: int
    next_page: str
    paged: bool
    extra: Document


def list_shape(body: Any) -> ListShape | None:
    """The list in ``body``; None when it is a single resource or no list of resources."""
    if isinstance(body, list):
        items = cast("list[Any]", body)
        return ListShape(items, len(items), "", paged=False, extra={})
    if not isinstance(body, dict):
        return None
    document = cast("Document", body)
    items, total = document.get("Items"), document.get("TotalResults")
    # A dashboard has Items and is no page: only pages count them.
    if not isinstance(items, list) or not isinstance(total, int):
        return None
    links = links_of(document)
    extra = {name: value for name, value in document.items() if name not in _ENVELOPE}
    return ListShape(cast("list[Any]", items), total, links.get("Page.Next", ""), paged=True, extra=extra)


def links_of(body: Any) -> Mapping[str, str]:
    """The links of a resource that have text; {} when there are none."""
    if not isinstance(body, dict):
        return {}
    links = cast("Document", body).get("Links")
    if not isinstance(links, dict):
        return {}
    return {name: link for name, link in cast("Document", links).items() if isinstance(link, str)}


def property_of(body: Any, name: str) -> Any:
    """A property of a resource; None when there is none, or no resource."""
    return cast("Document", body).get(name) if isinstance(body, dict) else None


def id_of(item: Any) -> str:
    """The `Id` of a resource, or ""."""
    value = property_of(item, "Id")
    return value if isinstance(value, str) else ""


def renewed(item: Document, current: Any) -> Document:
    """``item`` with the version that ``current``, as the server holds it now, has: a save without it is refused as
    outdated."""
    version = property_of(current, "Version")
    return item if version is None else {**item, "Version": version}


def is_frozen(name: str) -> bool:
    """Whether an id, or a place with it, is that of a release's copy of a process or a set of variables: it cannot be
    saved, and what hangs on it hangs on the original, too."""
    return "-s-" in name


def nested_links(body: Any) -> Iterator[tuple[str, str]]:
    """Links of the objects inside a resource, not its own."""
    if isinstance(body, dict):
        for name, value in cast("Document", body).items():
            if name != "Links":
                yield from _all_links(value)
    elif isinstance(body, list):
        for element in cast("list[Any]", body):
            yield from _all_links(element)


def _all_links(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from links_of(cast("Document", value)).items()
    yield from nested_links(value)


def without_credentials(text: str) -> str:
    """``text`` with every credential property replaced by a digest: equal values stay equal, none can be read."""
    lowered = text.lower()
    if not any(name in lowered for name in _QUOTED_NAMES):
        return text
    return _CREDENTIALS.sub(lambda match: f'{match[1]}digest:{_digest(match[2])}"', text)


def is_garbled(body: str | None) -> bool:
    """Whether a body that a snapshot keeps stands for one that could not be read."""
    return body is not None and body.startswith(f'{{"{NOT_JSON}":')


def safe(text: str) -> str:
    """``text`` as it may be written to a file: without credentials, and without any secret that was revealed so far."""
    return redactor.redact(without_credentials(text))


def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode(), digest_size=8).hexdigest()
