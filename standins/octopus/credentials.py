"""API keys and passwords as the database keeps them: hashed, never in clear.

An API key starts with ``API-`` (swagger security definition, Octopus docs); its row holds only a hash (column
``ApiKeyHashed``, as dumps of the schema show). The hash functions of the real product are not published; these are
the stand-in's own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_ITERATIONS = 20_000
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def new_api_key() -> str:
    """``API-`` and 32 capitals and digits, the length of keys since 2020; older ones were shorter and are accepted
    too.
    """
    return "API-" + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def hash_api_key(key: str) -> str:
    """The value of ``ApiKey.ApiKeyHashed``. Without salt, because the key is looked up by it; the key itself is
    random.
    """
    return base64.b64encode(hashlib.sha512(key.encode()).digest()).decode()


def hash_password(password: str) -> str:
    """The value of ``User.PasswordHashed`` (a JSON property): iterations, salt and hash, separated by ``$``."""
    salt = secrets.token_bytes(16)
    return "$".join((str(_ITERATIONS), base64.b64encode(salt).decode(), _derive(password, salt, _ITERATIONS)))


def verify_password(password: str, stored: str | None) -> bool:
    if not stored or stored.count("$") != 2:
        return False
    iterations, salt, expected = stored.split("$")
    return hmac.compare_digest(_derive(password, base64.b64decode(salt), int(iterations)), expected)


def _derive(password: str, salt: bytes, iterations: int) -> str:
    return base64.b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)).decode()
