"""From the bytes of an HTTP request to what a handler sees."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import File, parse_form

from standins.octopus.api.errors import PROBLEM
from standins.octopus.contract import ApiError, UploadedFile


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came, before anything is known about the caller."""

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]  # names lower-cased
    content: bytes

    @property
    def url(self) -> str:
        return f"{self.raw_path}?{self.query_string}" if self.query_string else self.raw_path

    @property
    def effective_method(self) -> str:
        """Old C# clients tunnel PUT and DELETE through POST (OctopusClients, X-HTTP-Method-Override)."""
        override = self.headers.get("x-http-method-override")
        return override.upper() if override and self.method == "POST" else self.method


def parse_query(text: str) -> dict[str, str]:
    """Names in lower case; a repeated name is a list (go-octopusdeploy sends ``ids`` so)."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        lowered = name.lower()
        query[lowered] = f"{query[lowered]},{value}" if lowered in query else value
    return query


def parse_cookies(header: str) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, found, value = part.strip().partition("=")
        if found:
            cookies[name] = value.strip('"')
    return cookies


def parse_body(headers: Mapping[str, str], content: bytes) -> tuple[Any, Sequence[UploadedFile]]:
    """The JSON of a body, or the files of a multipart one whatever their parts are called."""
    media_type = headers.get("content-type", "").lower()
    if media_type.startswith("multipart/"):
        return None, _files(headers, content)
    if not content:
        return None, ()
    # Clients that send JSON without saying so exist (curl -d); other media types are raw uploads.
    declared = "json" in media_type
    if declared or (
        content.lstrip()[:1] in (b"{", b"[")
        and media_type.split(";")[0] in ("", "application/x-www-form-urlencoded", "text/plain")
    ):
        try:
            return orjson.loads(content), ()
        except orjson.JSONDecodeError as error:
            if declared:
                raise ApiError(400, PROBLEM, [f"The request body is not valid JSON: {error}"]) from error
    return None, ()


def _files(headers: Mapping[str, str], content: bytes) -> list[UploadedFile]:
    found: list[UploadedFile] = []

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        found.append(UploadedFile((file.file_name or b"").decode("utf-8", "replace"), file.file_object.read()))
        file.close()

    wanted = {"Content-Type": headers.get("content-type", "").encode(), "Content-Length": str(len(content)).encode()}
    try:
        # Fields without a file name are of no use to any route.
        parse_form(wanted, io.BytesIO(content), None, on_file)
    except FormParserError as error:
        raise ApiError(400, PROBLEM, [f"The multipart body could not be read: {error}"]) from error
    return found
