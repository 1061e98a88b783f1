"""The grammar of databases, backups, logins, DBCC and KILL."""

from __future__ import annotations

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.tsql import types
from standins.sqlserver.tsql.ddl import AlterDatabase, CreateDatabase
from standins.sqlserver.tsql.errors import unsupported
from standins.sqlserver.tsql.modules import ModuleParser
from standins.sqlserver.tsql.nodes import Expression, Literal, ObjectName, Unary, Variable
from standins.sqlserver.tsql.statements import Backup, Dbcc, Grant, Kill, Restore, SetUpLogin, Statement, Use
from standins.sqlserver.tsql.tokens import Kind
from standins.sqlserver.tsql.words import words

_BACKUP_OPTIONS = words(
    """COPY_ONLY COMPRESSION NO_COMPRESSION CHECKSUM NO_CHECKSUM STOP_ON_ERROR CONTINUE_AFTER_ERROR FORMAT NOFORMAT
    INIT NOINIT SKIP NOSKIP STATS NAME DESCRIPTION MEDIANAME MEDIADESCRIPTION MEDIAPASSWORD PASSWORD EXPIREDATE
    RETAINDAYS BLOCKSIZE BUFFERCOUNT MAXTRANSFERSIZE REWIND NOREWIND UNLOAD NOUNLOAD NORECOVERY DIFFERENTIAL
    NO_TRUNCATE"""
)
_RESTORE_OPTIONS = words(
    """REPLACE RECOVERY NORECOVERY STANDBY CHECKSUM NO_CHECKSUM STOP_ON_ERROR CONTINUE_AFTER_ERROR FILE STATS RESTART
    PASSWORD MEDIAPASSWORD MEDIANAME KEEP_REPLICATION KEEP_CDC ENABLE_BROKER NEW_BROKER ERROR_BROKER_CONVERSATIONS
    RESTRICTED_USER STOPAT STOPATMARK STOPBEFOREMARK BLOCKSIZE BUFFERCOUNT MAXTRANSFERSIZE REWIND NOREWIND UNLOAD
    NOUNLOAD LOADHISTORY SNAPSHOT PARTIAL"""
)


class AdministrationParser(ModuleParser):
    """Statements about the server rather than about data."""

    def use(self) -> Statement:
        line = self.line
        self.expect("USE")
        return Use(self.identifier(), line=line)

    # --- databases -----------------------------------------------------------------------------------------------

    def create_database(self, line: int) -> Statement:
        name = self.identifier()
        files: list[tuple[str, str, bool]] = []
        collation = ""
        if self.accept("CONTAINMENT", "=") and self.advance().word != "NONE":
            raise unsupported("A contained database", line)
        if self.accept("ON"):
            self.accept("PRIMARY")
            files += self._file_specifications(log=False)
            if self.accept("LOG", "ON"):
                files += self._file_specifications(log=True)
        if self.accept("COLLATE"):
            collation = self.identifier()
        if self.at("FOR") or self.at("AS"):
            raise unsupported("CREATE DATABASE … " + " ".join((self.token.word, self.ahead().word)), line)
        if self.at("WITH"):
            raise unsupported("CREATE DATABASE … WITH", line)
        return CreateDatabase(name, collation, tuple(files), line=line)

    def _file_specifications(self, *, log: bool) -> list[tuple[str, str, bool]]:
        found: list[tuple[str, str, bool]] = []
        while True:
            if self.at("FILEGROUP"):
                raise unsupported("A second filegroup", self.line)
            logical = physical = ""
            self.expect("(")
            while not self.accept(")"):
                option = self.advance().word
                self.expect("=")
                value = self.advance()
                if option == "NAME":
                    logical = value.text
                elif option == "FILENAME":
                    physical = value.text
                elif self.at_any("KB", "MB", "GB", "TB", "%"):
                    self.advance()
                self.accept(",")
            found.append((logical, physical, log))
            if not self.accept(","):
                return found

    def alter_database(self, line: int) -> Statement:
        name = "" if self.accept("CURRENT") else self.identifier()
        if self.accept("COLLATE"):
            return AlterDatabase(name, (), collation=self.identifier(), line=line)
        if self.accept("MODIFY", "NAME"):
            self.expect("=")
            return AlterDatabase(name, (), new_name=self.identifier(), line=line)
        if not self.accept("SET"):
            raise unsupported("ALTER DATABASE … " + self.token.text.upper(), line)
        settings: list[tuple[str, str]] = []
        while True:
            settings.append(self._database_setting())
            if not self.accept(","):
                break
        termination = ""
        if self.accept("WITH"):
            if self.accept("NO_WAIT"):
                termination = "NO_WAIT"
            else:
                self.expect("ROLLBACK")
                termination = "ROLLBACK"
                if not self.accept("IMMEDIATE"):
                    self.expect("AFTER")
                    self.integer()
                    self.accept_any("SECONDS", "SECOND")
        return AlterDatabase(name, tuple(settings), termination, line=line)

    def _database_setting(self) -> tuple[str, str]:
        option = self.advance().word
        if not option:
            raise self.error(self.tokens[self.place - 1])
        self.accept("=")
        if option in ("SINGLE_USER", "MULTI_USER", "RESTRICTED_USER", "ONLINE", "OFFLINE", "READ_ONLY", "READ_WRITE"):
            return option, ""
        if self.token.kind is Kind.NUMBER:
            value = self.advance().text
        elif self.token.word == "(":
            start = self.place
            while not self.accept(")"):
                self.advance()
            value = self.slice(start)
        else:
            value = self.advance().text.upper()
        if self.at("("):
            start = self.place
            while not self.accept(")"):
                self.advance()
            value += self.slice(start)
        self.accept_any("SECONDS", "MINUTES")
        return option, value

    # --- backup and restore --------------------------------------------------------------------------------------

    def backup(self) -> Statement:
        line = self.line
        self.expect("BACKUP")
        kind = self.accept_any("DATABASE", "LOG")
        if not kind:
            raise unsupported("BACKUP " + self.token.text.upper(), line) if self.at_name() else self.error()
        database = self._database_name()
        if self.at_any("FILE", "FILEGROUP", "READ_WRITE_FILEGROUPS"):
            raise unsupported("BACKUP … " + self.token.word, line)
        self.expect("TO")
        devices = self._devices()
        if self.at("MIRROR"):
            raise unsupported("BACKUP … MIRROR TO", line)
        options, _ = self._media_options(_BACKUP_OPTIONS) if self.accept("WITH") else ({}, ())
        return Backup(kind == "LOG", database, devices, options, line=line)

    def restore(self) -> Statement:
        line = self.line
        self.expect("RESTORE")
        kind = self.accept_any("DATABASE", "LOG", "HEADERONLY", "FILELISTONLY", "LABELONLY", "VERIFYONLY")
        if not kind:
            raise unsupported("RESTORE " + self.token.text.upper(), line) if self.at_name() else self.error()
        database = self._database_name() if kind in ("DATABASE", "LOG") else None
        if self.at_any("FILE", "FILEGROUP", "PAGE"):
            raise unsupported("RESTORE … " + self.token.word, line)
        devices = self._devices() if self.accept("FROM") else ()
        options: dict[str, Expression | bool] = {}
        moves: tuple[tuple[Expression, Expression], ...] = ()
        if self.accept("WITH"):
            options, moves = self._media_options(_RESTORE_OPTIONS)
        return Restore(kind, database, devices, options, moves, line=line)

    def _database_name(self) -> Expression:
        if self.token.kind is Kind.VARIABLE:
            return Variable(self.variable())
        return _text(self.identifier())

    def _devices(self) -> tuple[Expression, ...]:
        devices: list[Expression] = []
        while True:
            if self.at("URL"):
                raise unsupported("A backup device of type URL", self.line)
            if self.at("TAPE"):
                raise unsupported("A backup device of type TAPE", self.line)
            self.expect("DISK", "=")
            devices.append(self._option_value())
            if not self.accept(","):
                return tuple(devices)

    def _option_value(self) -> Expression:
        if self.token.kind is Kind.VARIABLE:
            return Variable(self.variable())
        if self.token.kind is Kind.STRING:
            return _text(self.advance().text)
        return Literal(self.integer(), types.INT)

    def _media_options(
        self, allowed: frozenset[str]
    ) -> tuple[dict[str, Expression | bool], tuple[tuple[Expression, Expression], ...]]:
        options: dict[str, Expression | bool] = {}
        moves: list[tuple[Expression, Expression]] = []
        while True:
            if self.at("MOVE") and "REPLACE" in allowed:
                self.advance()
                logical = self._option_value()
                self.expect("TO")
                moves.append((logical, self._option_value()))
            elif self.token.word in allowed:
                name = self.advance().word
                options[name] = self._option_value() if self.accept("=") else True
                if name == "COMPRESSION" and self.accept("("):
                    while not self.accept(")"):
                        self.advance()
            elif self.at("ENCRYPTION") or self.at("CREDENTIAL"):
                raise unsupported("BACKUP … WITH " + self.token.word, self.line)
            elif self.token.kind is Kind.NAME:
                text = f"'{self.token.text}' is not a recognized option."
                raise SqlServerError(155, text, 15, 1, self.line)
            else:
                raise self.error()
            if not self.accept(","):
                return options, tuple(moves)

    # --- the rest ------------------------------------------------------------------------------------------------

    def dbcc(self) -> Statement:
        line = self.line
        self.expect("DBCC")
        command = self.advance().word
        arguments: list[Expression] = []
        if self.accept("("):
            while not self.at(")"):
                if self.token.kind in (Kind.NAME, Kind.QUOTED) and not self.at("NULL"):
                    name = self.advance().text
                    while self.accept("."):
                        name += "." + self.advance().text
                    arguments.append(_text(name))
                else:
                    arguments.append(self.expression())
                if not self.accept(","):
                    break
            self.expect(")")
        options: set[str] = set()
        if self.accept("WITH"):
            options.add(self.advance().word)
            while self.accept(","):
                options.add(self.advance().word)
        return Dbcc(command, tuple(arguments), frozenset(options), line=line)

    def kill(self) -> Statement:
        line = self.line
        self.expect("KILL")
        if self.token.kind is Kind.VARIABLE:
            raise self.error()
        session = self._unary()
        if self.accept("WITH", "STATUSONLY"):
            raise unsupported("KILL … WITH STATUSONLY", line)
        if isinstance(session, Unary) or not isinstance(session, Literal) or not isinstance(session.value, int):
            raise self.error(self.tokens[self.place - 1])
        return Kill(session, line=line)

    def grant(self) -> Statement:
        """GRANT, DENY and REVOKE of permissions on the server, a database, a schema or an object."""
        line = self.line
        action = self.advance().word
        option = action == "REVOKE" and self.accept("GRANT", "OPTION", "FOR")
        permissions = [self._permission(line)]
        while self.accept(","):
            permissions.append(self._permission(line))
        securable, target = "", None
        if self.accept("ON"):
            securable, target = self._securable(line)
        if not (self.accept("TO") or (action == "REVOKE" and self.accept("FROM"))):
            raise self.error()
        grantees = [self._grantee()]
        while self.accept(","):
            grantees.append(self._grantee())
        if action == "GRANT" and self.accept("WITH", "GRANT", "OPTION"):
            option = True
        self.accept("CASCADE")  # nobody holds the right to grant to others
        if self.at("AS"):
            raise unsupported(f"{action} … AS", line)
        return Grant(action, tuple(permissions), securable, target, tuple(grantees), option, line=line)

    def _grantee(self) -> str:
        return "public" if self.accept("PUBLIC") else self.identifier()

    def _permission(self, line: int) -> str:
        words: list[str] = []
        while not self.at_any("ON", "TO", "FROM", ",", "(") and self.token.kind is not Kind.END:
            words.append(self.advance().word)
        if self.at("("):
            raise unsupported("A permission on columns", line)
        if not words:
            raise self.error()
        if words[0] == "ALL":
            raise unsupported("ALL permissions", line)
        return " ".join("PROCEDURE" if word == "PROC" else "EXECUTE" if word == "EXEC" else word for word in words)

    def _securable(self, line: int) -> tuple[str, ObjectName]:
        kind = "OBJECT"
        if self.at_any("OBJECT", "SCHEMA", "DATABASE", "TYPE", "LOGIN", "USER", "ROLE") and self.ahead().word == "::":
            kind = self.advance().word
            if kind not in ("OBJECT", "SCHEMA", "DATABASE"):
                raise unsupported(f"A permission on a {kind.lower()}", line)
            self.expect("::")
        name = self.object_name()
        if self.at("("):
            raise unsupported("A permission on columns", line)
        return kind, name

    def authorization(self, line: int) -> Statement:
        """``ALTER AUTHORIZATION ON DATABASE::name TO login``."""
        self.expect("AUTHORIZATION")
        self.expect("ON")
        if not (self.at("DATABASE") and self.ahead().word == "::"):
            raise unsupported("ALTER AUTHORIZATION on anything but a database", line)
        self.advance()
        self.expect("::")
        name = self.identifier()
        self.expect("TO")
        return SetUpLogin("ALTER", "AUTHORIZATION", name, {"LOGIN": self.identifier()}, line=line)

    def login(self, action: str, line: int) -> Statement:
        """CREATE|ALTER|DROP LOGIN|USER|ROLE, and ALTER SERVER ROLE."""
        kind = self.advance().word
        if kind == "SERVER":
            self.expect("ROLE")
            kind = "SERVER ROLE"
        if_exists = self.accept("IF", "EXISTS")
        name = self.identifier()
        options: dict[str, str] = {"IF EXISTS": "1"} if if_exists else {}
        if kind.endswith("ROLE") and self.at_any("ADD", "DROP"):
            options["MEMBER"] = self.advance().word
            self.expect("MEMBER")
            options["NAME"] = self.identifier()
        elif self.at_any("FOR", "FROM"):
            self.advance()
            options["FOR"] = self.advance().word
            if self.at_name():
                options["LOGIN"] = self.identifier()
        if self.accept("WITHOUT", "LOGIN"):
            options["WITHOUT"] = "1"
        if self.at_any("ENABLE", "DISABLE"):
            options[self.advance().word] = "1"
        if self.accept("WITH"):
            self._login_options(options)
        return SetUpLogin(action, kind, name, options, line=line)

    def _login_options(self, options: dict[str, str]) -> None:
        while True:
            name = self.advance().word
            self.expect("=")
            options[name] = self.advance().text
            while self.at_any("MUST_CHANGE", "HASHED", "UNLOCK") or self.at("OLD_PASSWORD"):
                self.advance()
            if not self.accept(","):
                return


def _text(value: str) -> Literal:
    return Literal(value, types.nvarchar(max(1, len(value))))
