"""String comparison by SQL Server's rules: trailing spaces never count, case and accents as the collation says.

The order follows Windows' word sort roughly: hyphens and apostrophes weigh least, punctuation comes before digits and
digits before letters. Within letters it is the order of Unicode's base letters, then accents.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from functools import lru_cache

from standins.sqlserver.engine.sqlite import Connection
from standins.sqlserver.tsql import collations

_PUNCTUATION = '_,;:!?./`^~"()[]{}@$*\\&#%+<=>|'
#: Punctuation below the digits, in one fixed order.
_LOW = {ord(character): 1 + place for place, character in enumerate(" " + _PUNCTUATION)}
#: Word sort: hyphen and apostrophe are skipped at first.
_SKIPPED = {ord("-"): None, ord("'"): None}
_PRIMARY = {**_LOW, **_SKIPPED}


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@lru_cache(maxsize=50_000)
def _short_key(text: str, case: bool, accent: bool) -> tuple[str, str, str]:
    return _key(text, case, accent)


def _key(text: str, case: bool, accent: bool) -> tuple[str, str, str]:
    """(base letters, accents, skipped characters and case): compared in this order."""
    text = text.rstrip(" ")
    folded = text.casefold()
    if folded.isascii():
        base, accents = folded.translate(_PRIMARY), ""
    else:
        base = _unaccented(folded).translate(_PRIMARY)
        accents = unicodedata.normalize("NFC", folded) if accent else ""
    rest = folded.replace("\0", "") if accent or folded.isascii() else _unaccented(folded)
    if case:
        rest += "\0" + text.swapcase()  # lower case before upper case
    return base, accents, rest


def sort_key(text: str, *, case: bool, accent: bool) -> tuple[str, str, str]:
    return _short_key(text, case, accent) if len(text) <= 256 else _key(text, case, accent)


def _comparer(case: bool, accent: bool):
    def compare(left: str, right: str) -> int:
        if left == right:
            return 0
        if len(left) <= 256 and len(right) <= 256:
            a, b = _short_key(left, case, accent), _short_key(right, case, accent)
        else:
            a, b = _key(left, case, accent), _key(right, case, accent)
        return (a > b) - (a < b)

    return compare


def _compare_decimals(left: str, right: str) -> int:
    if left == right:
        return 0
    a, b = Decimal(left), Decimal(right)
    return (a > b) - (a < b)


def _compare_offsets(left: str, right: str) -> int:
    a, b = left[:27], right[:27]
    return (a > b) - (a < b)


def _compare_guids(left: str, right: str) -> int:
    """SQL Server compares the last six bytes first."""
    if left == right:
        return 0
    a, b = _guid_key(left), _guid_key(right)
    return (a > b) - (a < b)


def _guid_key(text: str) -> tuple[str, str, str, str, str]:
    one, two, three, four, five = text[:8], text[9:13], text[14:18], text[19:23], text[24:]
    return five, four, _swapped(three), _swapped(two), _swapped(one)


def _swapped(digits: str) -> str:
    return "".join(digits[i : i + 2] for i in range(len(digits) - 2, -1, -2))


def register_collations(connection: Connection) -> None:
    for name in collations.TEXT_COLLATIONS:
        connection.create_collation(name, _comparer("_cs_" in name, name.endswith("_as")))
    connection.create_collation(collations.DECIMAL, _compare_decimals)
    connection.create_collation(collations.OFFSET, _compare_offsets)
    connection.create_collation(collations.GUID, _compare_guids)
