"""Commands about the master key and the server's certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

from standins.octopus.command.failures import ControlledFailure
from standins.octopus.command.instances import MASTER_KEY
from standins.octopus.command.invocation import Invocation
from standins.octopus.crypto import MasterKey, WrongMasterKey, is_sealed
from standins.octopus.schema.certificate import store_new_certificate, stored_certificate
from standins.octopus.schema.database import Database
from standins.octopus.schema.upgrader import Upgrader
from standins.octopus.store.documents import to_json
from standins.octopus.store.kinds import kinds_of

_CONFIRMATIONS: Final = ("iReallyWantToResetAllMySensitiveData", "iHaveBackedUpMyDatabase")


def show(call: Invocation) -> int:
    key = call.master_key().text()
    call.output.result(json.dumps({"MasterKey": key}) if _json(call) else key)
    return 0


def thumbprint(call: Invocation) -> int:
    with call.database() as database:
        certificate = stored_certificate(database)
    if certificate is None:
        raise ControlledFailure("The server has no certificate yet")
    text = certificate["Thumbprint"]
    call.output.result(json.dumps({"Thumbprint": text}) if _json(call) else text)
    return 0


def new_certificate(call: Invocation) -> int:
    with call.database() as database:
        text = store_new_certificate(database, call.master_key())
    call.output.info("A new certificate has been generated and installed. The new thumbprint is:")
    call.output.result(text)
    return 0


def lost(call: Invocation) -> int:
    """A new key for a database whose key is lost: every sensitive value is emptied (Octopus docs, lost-master-key)."""
    missing = [name for name in _CONFIRMATIONS if not call.options.has(name)]
    if missing:
        raise ControlledFailure(f"Please confirm with {' and '.join(f'--{name}' for name in missing)}")
    from standins.octopus.command.database import interference  # noqa: PLC0415 - not for the other commands

    with call.database(current=not call.options.has("upgradeDatabase")) as database:
        if not call.options.has("skipCurrentMasterKeyTest"):
            _refuse_if_key_works(call, database)
        if call.options.has("upgradeDatabase"):
            configuration = call.configuration
            Upgrader(
                database,
                call.version,
                configuration.home,
                configuration.node_name,
                call.output.info,
                interference(call),
            ).run(check_license=not call.options.has("skipLicenseCheck"))
        key = MasterKey.generate()
        with database.transaction():
            cleared = _each_secret(call, database, lambda _: None)
            store_new_certificate(database, key)
    call.configuration.values[MASTER_KEY] = key.text()
    call.configuration.save()
    call.output.info(f"{cleared} documents had sensitive values, which have been reset")
    call.output.info("The server has a new certificate: every Tentacle must be told its thumbprint")
    call.output.result(f"New master key: {key.text()}")
    return 0


def _refuse_if_key_works(call: Invocation, database: Database) -> None:
    from standins.octopus.schema.certificate import verify_master_key  # noqa: PLC0415

    if not call.configuration.values.get(MASTER_KEY):
        return
    try:
        verify_master_key(database, call.master_key())
    except (WrongMasterKey, ControlledFailure):
        return
    raise ControlledFailure(
        "The master key of this instance is right for this database: there is nothing to repair. "
        "Use --skipCurrentMasterKeyTest to go on nevertheless."
    )


def rotate(call: Invocation) -> int:
    """Since 2022.4; all servers must be stopped (Octopus docs, rotate-master-key)."""
    old, new = call.master_key(), MasterKey.generate()
    with call.database() as database, database.transaction():
        changed = _each_secret(call, database, lambda sealed: new.encrypt(old.decrypt(sealed)))
        total = sum(
            int(database.run(f"SELECT COUNT(*) FROM dbo.[{kind.table}]")[0][0])
            for kind in kinds_of(call.version).values()
        )
    call.configuration.values[MASTER_KEY] = new.text()
    call.configuration.save()
    call.output.info(f"Processed {total} documents")
    call.output.info(f"{changed}/{total} updated")
    call.output.info(f"0/{total} unchanged due to errors")
    call.output.result(f"New master key: {new.text()}")
    return 0


def _each_secret(call: Invocation, database: Database, change: Callable[[str], str | None]) -> int:
    """Encrypted texts wherever they are in a document: `<base64>|<base64 of 16 bytes>`."""
    count = 0
    for kind in kinds_of(call.version).values():
        rows = database.run(f"SELECT [Id], [JSON] FROM dbo.[{kind.table}] WHERE CHARINDEX('|', [JSON]) > 0")
        for identity, text in rows:
            document: Any = orjson.loads(text)
            changed, result = _replace(document, change)
            if changed:
                database.run(f"UPDATE dbo.[{kind.table}] SET [JSON] = ? WHERE [Id] = ?", to_json(result), identity)
                count += 1
    return count


def _replace(value: Any, change: Callable[[str], str | None]) -> tuple[bool, Any]:
    if isinstance(value, str):
        return (True, change(value)) if is_sealed(value) else (False, value)
    if isinstance(value, dict):
        pairs: list[tuple[Any, bool, Any]] = [(key, *_replace(item, change)) for key, item in value.items()]  # pyright: ignore[reportUnknownVariableType]
        return any(changed for _, changed, _ in pairs), {key: item for key, _, item in pairs}
    if isinstance(value, list):
        results = [_replace(item, change) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return any(changed for changed, _ in results), [item for _, item in results]
    return False, value


def _json(call: Invocation) -> bool:
    return (call.options.get("format") or "text").lower() == "json"
