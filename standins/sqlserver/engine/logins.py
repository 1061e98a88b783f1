"""Logins and database users. ``sa`` has the password the server was started with; others have a salted hash."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages


def _hash(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1).hex()


class Logins:
    """Every login may do everything: permissions are not kept."""

    def __init__(self, sa_password: str, saved: dict[str, Any]) -> None:
        self._sa_password = sa_password
        self._logins: dict[str, dict[str, Any]] = dict(saved)

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
        self._logins[name.lower()] = {"name": name, "users": {}}
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
        self._entry(name)
        del self._logins[name.lower()]

    def exists(self, name: str) -> bool:
        return name.lower() in self._logins or name.lower() == "sa"

    def _entry(self, name: str) -> dict[str, Any]:
        entry = self._logins.get(name.lower())
        if entry is None:
            text = f"Cannot alter the login '{name}', because it does not exist or you do not have permission."
            raise SqlServerError(15151, text, 16, 1)
        return entry

    # --- users ---------------------------------------------------------------------------------------------------

    def add_user(self, database: str, user: str, login: str) -> None:
        if user in self.users(database):
            text = f"User, group, or role '{user}' already exists in the current database."
            raise SqlServerError(15023, text, 16, 1)
        if not self.exists(login):
            text = f"'{login}' is not a valid login or you do not have permission."
            raise SqlServerError(15007, text, 16, 1)
        if login.lower() != "sa":
            self._entry(login)["users"][database.lower()] = user

    def drop_user(self, database: str, user: str) -> bool:
        for entry in self._logins.values():
            if str(entry["users"].get(database.lower(), "")).lower() == user.lower():
                del entry["users"][database.lower()]
                return True
        return False

    def users(self, database: str) -> list[str]:
        return [
            str(entry["users"][database.lower()])
            for entry in self._logins.values()
            if database.lower() in entry["users"]
        ]

    def names(self) -> list[str]:
        return [str(entry["name"]) for entry in self._logins.values()]

    def export(self) -> dict[str, Any]:
        return self._logins
