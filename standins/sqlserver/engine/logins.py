"""Logins and database users. ``sa`` has the password the server was started with; others have a salted hash."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.engine.security.failures import hidden


def _hash(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1).hex()


_SA_SID = "01"
_FIRST_NUMBER = 257


class Logins:
    """Who may log in, with the server roles and permissions of each."""

    def __init__(self, sa_password: str, saved: dict[str, Any]) -> None:
        self._sa_password = sa_password
        self._logins: dict[str, dict[str, Any]] = dict(saved)
        for number, entry in enumerate(self._logins.values(), _FIRST_NUMBER):  # kept by an older stand-in
            entry.setdefault("sid", os.urandom(16).hex())
            entry.setdefault("number", number)

    def check(self, user: str, password: str) -> str:
        """The login's name, or error 18456."""
        if user.lower() == "sa":
            if hmac.compare_digest(password.encode(), self._sa_password.encode()):
                return "sa"
            raise messages.login_failed(user)
        entry = self._logins.get(user.lower())
        if entry is None or entry.get("disabled"):
            raise messages.login_failed(user)
        if not hmac.compare_digest(_hash(password, bytes.fromhex(entry["salt"])), entry["hash"]):
            raise messages.login_failed(user)
        return str(entry["name"])

    def create(self, name: str, password: str) -> None:
        if name.lower() in self._logins or name.lower() == "sa":
            raise SqlServerError(15025, f"The server principal '{name}' already exists.", 16, 1)
        number = max((int(entry["number"]) for entry in self._logins.values()), default=_FIRST_NUMBER - 1) + 1
        self._logins[name.lower()] = {"name": name, "sid": os.urandom(16).hex(), "number": number}
        self.set_password(name, password)

    def set_password(self, name: str, password: str) -> None:
        if name.lower() == "sa":
            self._sa_password = password
            return
        salt = os.urandom(16)
        self._entry(name).update(salt=salt.hex(), hash=_hash(password, salt))

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        if name.lower() != "sa":
            self._entry(name)["disabled"] = disabled

    def drop(self, name: str) -> None:
        if name.lower() not in self._logins:
            raise hidden("drop", "login", name)
        del self._logins[name.lower()]

    def exists(self, name: str) -> bool:
        return name.lower() in self._logins or name.lower() == "sa"

    def _entry(self, name: str) -> dict[str, Any]:
        entry = self._logins.get(name.lower())
        if entry is None:
            raise hidden("alter", "login", name)
        return entry

    # --- roles and permissions of the server ---------------------------------------------------------------------

    def sid(self, name: str) -> str:
        """The security identifier in hexadecimal digits."""
        entry = self._logins.get(name.lower())
        return _SA_SID if entry is None else str(entry["sid"])

    def name_of(self, sid: str) -> str | None:
        if sid == _SA_SID:
            return "sa"
        return next((str(entry["name"]) for entry in self._logins.values() if entry["sid"] == sid), None)

    def number(self, name: str) -> int:
        """The principal_id."""
        entry = self._logins.get(name.lower())
        return 1 if entry is None else int(entry["number"])

    def is_disabled(self, name: str) -> bool:
        return bool(self._logins.get(name.lower(), {}).get("disabled"))

    def roles(self, name: str) -> list[str]:
        """Server roles the login was added to, besides ``public``."""
        if name.lower() == "sa":
            return ["sysadmin"]
        return list(self._logins.get(name.lower(), {}).get("roles", []))

    def set_role(self, name: str, role: str, *, member: bool) -> None:
        roles = [known for known in self._entry(name).get("roles", []) if known != role]
        self._entry(name)["roles"] = [*roles, role] if member else roles

    def permissions(self, name: str) -> dict[str, str]:
        """Server permissions with GRANT or DENY."""
        return dict(self._logins.get(name.lower(), {}).get("permissions", {}))

    def set_permission(self, name: str, permission: str, state: str | None) -> None:
        kept = {known: value for known, value in self.permissions(name).items() if known != permission}
        self._entry(name)["permissions"] = kept if state is None else {**kept, permission: state}

    def names(self) -> list[str]:
        return [str(entry["name"]) for entry in self._logins.values()]

    def export(self) -> dict[str, Any]:
        return self._logins
