"""A browser's way of talking to Octopus: cookies from the log-in form, and their token on every write."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Self

import httpx

from tidegate.errors import Unreachable
from tidegate.secrets import Secret

#: Names of the two cookies before the installation id (OctopusClients).
IDENTIFICATION: Final = "OctopusIdentificationToken_"
CSRF: Final = "Octopus-Csrf-Token_"


class Session:
    """One person's session with a test instance."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self._url, timeout=30, trust_env=False, headers={"User-Agent": "Mozilla/5.0"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def log_in(self, name: str, password: Secret) -> httpx.Response:
        """What the log-in page sends (OctopusClients LoginCommand)."""
        secure = self._url.startswith("https:")
        return self.send(
            "POST",
            "/api/users/login",
            json={
                "Username": name,
                "Password": password.reveal(),
                "RememberMe": False,
                "State": {"UsingSecureConnection": secure},
            },
            csrf=False,
        )

    def send(self, method: str, path: str, *, json: Any = None, csrf: bool = True) -> httpx.Response:
        headers: dict[str, str] = {}
        token = next((value for name, value in self.cookies().items() if name.startswith(CSRF)), "")
        if csrf and token and method != "GET":
            headers["X-Octopus-Csrf-Token"] = token
        try:
            return self._http.request(method, path, json=json, headers=headers)
        except httpx.HTTPError as error:
            raise Unreachable(f"{method} {path} got no answer: {type(error).__name__}", where=self._url) from None

    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}
