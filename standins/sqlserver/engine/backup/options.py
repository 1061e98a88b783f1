"""The options of BACKUP and RESTORE, with their values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.nodes import Expression

if TYPE_CHECKING:
    from standins.sqlserver.engine.session import EngineSession


class Options:
    """``WITH …`` of one statement."""

    def __init__(self, session: EngineSession, given: dict[str, Expression | bool], line: int) -> None:
        self._session = session
        self._given = given
        self._line = line

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def refuse(self, *names: str) -> None:
        for name in names:
            if name in self._given:
                raise unsupported(f"The option {name}", self._line)

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        if value is None or isinstance(value, bool):
            return None
        return str(self._session.querying.value(value, None, self._line)[0])

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        return int(text) if text is not None and text.lstrip("-").isdigit() else default

    @property
    def stats(self) -> int:
        """Percent between progress messages."""
        value = self.number("STATS", 10)
        if not 1 <= value <= 100:
            raise SqlServerError(3250, f"The value '{value}' is not within range for the STATS parameter.", 16, 1)
        return value


def device(session: EngineSession, nodes: tuple[Expression, ...], line: int) -> Path:
    """The one file a backup goes to or comes from; a bare name lies in the backup folder."""
    if len(nodes) != 1:
        raise unsupported("A backup striped over several devices", line)
    value, _ = session.querying.value(nodes[0], None, line)
    text = str(value or "")
    if not text:
        raise SqlServerError(
            3044, "Invalid zero-length device name. Reissue the BACKUP statement with a valid device name.", 16, 1
        )
    path = Path(text)
    return path if path.is_absolute() else session.server.backups / path


def name_of(session: EngineSession, node: Expression, line: int) -> str:
    value, _ = session.querying.value(node, None, line)
    return str(value or "")
