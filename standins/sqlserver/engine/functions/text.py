"""String functions on stored values. A NULL argument gives NULL, as SQLite passes None."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine import messages
from standins.sqlserver.tsql.literals import utf16_length

Function = Callable[..., Any]


def strict(function: Function) -> Function:
    """NULL in, NULL out."""

    @wraps(function)
    def guarded(*arguments: Any) -> Any:
        for argument in arguments:
            if argument is None:
                return None
        return function(*arguments)

    return guarded


def _len(text: str) -> int:
    return utf16_length(text.rstrip(" "))


def _left(text: str, count: int) -> str:
    if count < 0:
        raise _invalid_length("left")
    return text[:count]


def _right(text: str, count: int) -> str:
    if count < 0:
        raise _invalid_length("right")
    return text[-count:] if count else ""


def _substring(text: str | bytes, start: int, count: int) -> str | bytes:
    if count < 0:
        raise _invalid_length("substring")
    end = max(0, start - 1 + count)
    return text[max(0, start - 1) : end]


def _invalid_length(function: str) -> SqlServerError:
    return SqlServerError(537, f"Invalid length parameter passed to the {function.upper()} function.", 16, 3)


@lru_cache(maxsize=500)
def _finder(pattern: str, ignore_case: int) -> re.Pattern[str]:
    return re.compile(re.escape(pattern), re.IGNORECASE if ignore_case else 0)


def _replace(ignore_case: int, text: str, old: str, new: str) -> str:
    if not old:
        return text
    if not ignore_case:
        return text.replace(old, new)
    return _finder(old, 1).sub(lambda _: new, text)


def _charindex(ignore_case: int, wanted: str, text: str, start: int = 1) -> int:
    place = max(0, start - 1)
    if not wanted:
        return 0
    if ignore_case:
        match = _finder(wanted, 1).search(text, place)
        return match.start() + 1 if match else 0
    return text.find(wanted, place) + 1


@lru_cache(maxsize=1000)
def like_pattern(pattern: str, escape: str, ignore_case: int) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression."""
    out: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if escape and character == escape:
            place += 1
            if place < len(pattern):
                out.append(re.escape(pattern[place]))
        elif character == "%":
            out.append(".*")
        elif character == "_":
            out.append(".")
        elif character == "[":
            end = pattern.find("]", place + 2 if pattern[place + 1 : place + 2] == "]" else place + 1)
            if end < 0:
                return re.compile(r"(?!)")
            out.append(_character_class(pattern[place + 1 : end]))
            place = end
        else:
            out.append(re.escape(character))
        place += 1
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.compile("".join(out), flags)


def _character_class(inside: str) -> str:
    if not inside:
        return r"(?!)"
    negated = inside.startswith("^")
    body = inside[1:] if negated else inside
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", body)
    return f"[{'^' if negated else ''}{escaped}]"


def _like(ignore_case: int, text: str | None, pattern: str | None, escape: str | None = "") -> int | None:
    if text is None or pattern is None or escape is None:
        return None
    if like_pattern(pattern, escape, ignore_case).fullmatch(text) is not None:
        return 1
    # trailing spaces of the text do not count against a pattern without them
    if text.endswith(" ") and like_pattern(pattern, escape, ignore_case).fullmatch(text.rstrip(" ")) is not None:
        return 1
    return 0


def _patindex(ignore_case: int, pattern: str, text: str) -> int:
    body = pattern
    anchored_start, anchored_end = not body.startswith("%"), not body.endswith("%")
    body = body.removeprefix("%").removesuffix("%")
    inner = like_pattern(body, "", ignore_case).pattern
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    expression = ("" if not anchored_start else r"\A") + f"(?:{inner})" + (r"\Z" if anchored_end else "")
    match = re.compile(expression, flags).search(text)
    return match.start() + 1 if match else 0


def _replicate(text: str, count: int, limit: int) -> str | None:
    if count < 0:
        return None
    result = text * count
    return result[:limit] if limit else result


def _stuff(text: str | None, start: int | None, count: int | None, inserted: str | None) -> str | None:
    if text is None or start is None or count is None:
        return None
    if start < 1 or start > len(text) or count < 0:
        return None
    return text[: start - 1] + (inserted or "") + text[start - 1 + count :]


def _concat_ws(separator: str | None, *parts: str | None) -> str:
    return (separator or "").join(part for part in parts if part is not None)


def _translate(ignore_case: int, text: str, old: str, new: str) -> str:
    if len(old) != len(new):
        message = (
            "The second and third arguments of the TRANSLATE built-in function must contain an equal number of "
            "characters."
        )
        raise SqlServerError(9828, message, 16, 1)
    table: dict[int, str] = {}
    for a, b in zip(old, new, strict=True):
        for variant in {a, a.lower(), a.upper()} if ignore_case else {a}:
            if len(variant) == 1:
                table.setdefault(ord(variant), b)
    return text.translate(table)


_QUOTES = {
    "[": ("[", "]"), "]": ("[", "]"), "'": ("'", "'"), '"': ('"', '"'), "(": ("(", ")"), ")": ("(", ")"),
    "<": ("<", ">"), ">": ("<", ">"), "{": ("{", "}"), "}": ("{", "}"), "`": ("`", "`"),
}  # fmt: skip


def _quotename(text: str, quote: str = "[") -> str | None:
    if len(text) > 128 or quote not in _QUOTES:
        return None
    opening, closing = _QUOTES[quote]
    return opening + text.replace(closing, closing * 2) + closing


def _fit(text: str, limit: int, table: str, column: str, kind: str = "") -> str:
    """A string on its way into a column of ``limit`` characters."""
    if utf16_length(text) > limit:
        rest = text[limit:]
        if rest.strip(" "):
            raise messages.truncated(table, column, text[:limit][:100])
        text = text[:limit]
    return text.ljust(limit) if kind else text


def _fit_binary(value: bytes, limit: int, table: str, column: str, kind: str = "") -> bytes:
    if len(value) > limit:
        raise messages.truncated(table, column, "")
    return value.ljust(limit, b"\0") if kind else value


def _ascii(text: str) -> int | None:
    return text[0].encode("cp1252", "replace")[0] if text else None


def _char(code: int) -> str | None:
    return bytes([code]).decode("cp1252", "replace") if 0 <= code <= 255 else None


def _nchar(code: int) -> str | None:
    return chr(code) if 0 <= code <= 0xFFFF and not 0xD800 <= code <= 0xDFFF else None


def _str(number: float, length: int = 10, decimals: int = 0) -> str:
    text = f"{number:.{min(decimals, 16)}f}"
    if len(text.partition(".")[0]) > length:
        return "*" * length
    return text[:length].rjust(length)


_JSON_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _string_escape(text: str, kind: str) -> str:
    if kind.lower() != "json":
        raise SqlServerError(14, f"An invalid value was specified for argument 2 ('{kind}').", 16, 1)
    return "".join(_JSON_ESCAPES.get(c, c if ord(c) >= 32 else f"\\u{ord(c):04x}") for c in text)


def _xml_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _string_agg(text: str, limit: int) -> str:
    if len(text) > limit:
        message = (
            "STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result truncation."
        )
        raise SqlServerError(9829, message, 16, 1)
    return text


def _datalength(text: str) -> int:
    return 2 * utf16_length(text)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(_one(character, character.upper()) for character in text)


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else "".join(_one(character, character.lower()) for character in text)


def _one(original: str, changed: str) -> str:
    """SQL Server changes case character by character: ß stays ß."""
    return changed if len(changed) == 1 else original


def _ltrim(text: str) -> str:
    return text.lstrip(" ")


def _rtrim(text: str) -> str:
    return text.rstrip(" ")


def _trim(text: str) -> str:
    return text.strip(" ")


def _trim_from(characters: str, text: str) -> str:
    return text.strip(characters)


def _reverse(text: str) -> str:
    return text[::-1]


def _space(count: int) -> str | None:
    return " " * count if count >= 0 else None


def _unicode(text: str) -> int | None:
    return ord(text[0]) if text else None


FUNCTIONS: dict[str, Function] = {
    "t_len": strict(_len),
    "t_datalength": strict(_datalength),
    "t_upper": strict(_upper),
    "t_lower": strict(_lower),
    "t_ltrim": strict(_ltrim),
    "t_rtrim": strict(_rtrim),
    "t_trim": strict(_trim),
    "t_trim_from": strict(_trim_from),
    "t_reverse": strict(_reverse),
    "t_left": strict(_left),
    "t_right": strict(_right),
    "t_substring": strict(_substring),
    "t_replace": strict(_replace),
    "t_charindex": strict(_charindex),
    "t_patindex": strict(_patindex),
    "t_like": _like,
    "t_replicate": strict(_replicate),
    "t_space": strict(_space),
    "t_stuff": _stuff,
    "t_concat_ws": _concat_ws,
    "t_translate": strict(_translate),
    "t_quotename": strict(_quotename),
    "t_ascii": strict(_ascii),
    "t_unicode": strict(_unicode),
    "t_char": strict(_char),
    "t_nchar": strict(_nchar),
    "t_str": strict(_str),
    "t_string_escape": strict(_string_escape),
    "t_xml_text": strict(_xml_text),
    "t_string_agg": strict(_string_agg),
    "t_fit": strict(_fit),
    "t_fit_binary": strict(_fit_binary),
}
