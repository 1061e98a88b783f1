"""`tidegate approval`: sign a verdict, and ask whether a signed one still allows the upgrade of the main instance."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from tidegate.command.exits import INCOMPLETE, NO, YES, Commands
from tidegate.digests import sha256_of
from tidegate.errors import HarnessError, SettingsError, UsageError
from tidegate.gate.answer import answer
from tidegate.gate.approval import APPROVAL, Approval, Choice, load_approval, statement_of, utc_now
from tidegate.gate.evidence import LEDGER
from tidegate.gate.judged_again import evidence_now, examine
from tidegate.gate.objections import Answer, malformed
from tidegate.gate.policy import with_settings
from tidegate.gate.question import Asked, EvidenceNow, Trusted
from tidegate.gate.seal import SEAL
from tidegate.gate.signing import SigningKey, public_key
from tidegate.gate.verdict import Outcome
from tidegate.octopus.downloads import DownloadFeed
from tidegate.providers.main_machine import gets_installers
from tidegate.rehearsal.guard import same_url
from tidegate.rehearsal.instances import DatabaseAddress
from tidegate.rehearsal.main import database_address
from tidegate.rehearsal.main_now import MainNow, read_main_now
from tidegate.reporting.page_check import page_damage
from tidegate.secrets import Secret
from tidegate.settings import Settings, load
from tidegate.versions import Version, plan, release_knowledge

#: Where the API key is taken from when no settings name one.
_API_KEY: Final = "env:OCTOPUS_API_KEY"

#: Audit events that are printed; `--json` has all of them.
_LISTED: Final = 20


def add(commands: Commands) -> None:
    actions = commands.add_parser(
        "approval", help="sign a verdict; ask whether a signed one still holds"
    ).add_subparsers(required=True, metavar="ACTION")
    signing = actions.add_parser("sign", help="add your decision about an approved verdict to its approval.json")
    signing.add_argument("folder", type=Path, help="the folder of one run")
    signing.add_argument("--as", dest="name", required=True, metavar="NAME", help="your name, as the settings have it")
    signing.add_argument("--key", required=True, metavar="REF", help="your Ed25519 key: env:NAME or file:PATH")
    signing.add_argument("--decision", required=True, choices=[choice.value for choice in Choice])
    signing.add_argument("--comment", required=True, help="why; it is shown wherever the approval is")
    signing.add_argument("--settings", type=Path, metavar="FILE", help="names the runners whose runs count")
    signing.set_defaults(command=_sign)

    printing = actions.add_parser("key", help="print the public half of a signing key, for the settings")
    printing.add_argument("--key", required=True, metavar="REF", help="an Ed25519 key: env:NAME or file:PATH")
    printing.set_defaults(command=_key)

    verifying = actions.add_parser(
        "verify", help="read the main instance again: may it be upgraded now? 0 yes, 1 no, 10 not known"
    )
    verifying.add_argument("file", type=Path, help=f"the {APPROVAL} of a run")
    verifying.add_argument("--main", required=True, metavar="URL", help="the main instance that is to be upgraded")
    verifying.add_argument("--settings", type=Path, metavar="FILE", help="names approvers, [main] and [policy]")
    verifying.add_argument("--api-key", metavar="REF", help=f"default: [main] api_key, or {_API_KEY}")
    verifying.add_argument(
        "--approver",
        action="append",
        default=[],
        metavar="NAME=KEY",
        help="somebody whose signature counts, besides those of the settings (NAME=ed25519:…)",
    )
    verifying.add_argument("--target", metavar="VERSION", help="where the upgrade is about to go, over --via")
    verifying.add_argument("--via", action="append", default=[], metavar="VERSION")
    verifying.add_argument("--evidence", type=Path, metavar="FOLDER", help="verify and judge this run folder again")
    verifying.add_argument("--without-database", action="store_true", help="leave the schema out, knowingly")
    verifying.add_argument("--json", action="store_true")
    verifying.set_defaults(command=_verify)


def _sign(chosen: argparse.Namespace, output: TextIO) -> int:
    folder: Path = chosen.folder
    if not folder.is_dir():
        raise UsageError("there is no such run folder", where=str(folder))
    found = examine(folder)
    damage = [str(one) for one in (*found.ledger.damage, *page_damage(folder, found))]
    if damage or found.verdict is None:
        output.write("not signed: the evidence is not what was recorded\n" + "".join(f"  {one}\n" for one in damage))
        return NO
    runner, runners = found.runner, load(chosen.settings).approval.runners
    if runners and runner not in runners:
        output.write(f"not signed: the run was signed {f'with {runner}' if runner else 'by nobody'}, no known runner\n")
        return NO
    entries, verdict = found.entries, found.verdict
    if verdict.outcome is not Outcome.APPROVED:
        output.write(f"not signed: the verdict is {verdict.outcome}\n")
        output.writelines(f"  {reason.subject}: {reason.message}\n" for reason in verdict.reasons)
        return NO if verdict.outcome is Outcome.REJECTED else INCOMPLETE
    statement = statement_of(verdict, entries, sha256_of(folder / SEAL), runner)
    file = folder / APPROVAL
    approval = Approval(statement=statement)
    if file.exists():
        approval = _readable(file)
        if approval.statement != statement:
            raise UsageError("the approval beside the evidence is about something else", where=str(file))
    key = SigningKey(Secret.parse(chosen.key))
    signed = approval.signed(chosen.name, Choice(chosen.decision), chosen.comment, key, utc_now())
    file.write_bytes(signed.to_bytes())
    output.write(f"{chosen.name} says {chosen.decision}: {' → '.join(statement.path)} for {statement.main.url}\n")
    if verdict.reach:
        output.write(f"{verdict.reach}\n")
    if why_not := verdict.policy.objection_to(verdict.reach):
        output.write(f"This opens no cut-over. {why_not}\n")
    output.write(f"signed with {key.public}; {file} holds until {statement.expires:%Y-%m-%d %H:%M} UTC\n")
    return YES


def _readable(file: Path) -> Approval:
    try:
        return load_approval(file)
    except ValueError as error:
        raise UsageError(str(error), where=str(file)) from None


def _key(chosen: argparse.Namespace, output: TextIO) -> int:
    output.write(SigningKey(Secret.parse(chosen.key)).public + "\n")
    return YES


def _verify(chosen: argparse.Namespace, output: TextIO) -> int:
    try:
        approval = load_approval(chosen.file)
    except ValueError as error:
        return _tell(malformed(str(error)), chosen, output)
    settings = load(chosen.settings)
    trusted = _trusted(chosen.approver, settings)
    if not trusted:
        raise SettingsError(
            "nobody's signature counts: no approver is known",
            next_step="name them in [[approval.approvers]], or with --approver NAME=ed25519:…",
        )
    asked = Asked(
        now=utc_now(),
        main=_main(chosen, settings, approval),
        trusted=trusted,
        policy=with_settings(approval.statement.policy, settings.policy),
        plan=_plan(chosen, settings, approval),
        installers=_installers(settings, approval),
        evidence=_evidence(chosen),
        without_database=chosen.without_database,
        runners=settings.approval.runners,
    )
    return _tell(answer(approval, asked), chosen, output)


def _trusted(named: list[str], settings: Settings) -> tuple[Trusted, ...]:
    found = [Trusted(one.name, one.key, one.logins) for one in settings.approval.approvers]
    for text in named:
        name, _, key = text.partition("=")
        try:
            found.append(Trusted(name, public_key(key)))
        except ValueError as error:
            raise UsageError(f"--approver {text}: write NAME=ed25519:…; {error}") from None
    return tuple(found)


def _main(chosen: argparse.Namespace, settings: Settings, approval: Approval) -> MainNow | HarnessError:
    ours = settings.main if settings.main and same_url(settings.main.url, chosen.main) else None
    key = Secret.parse(chosen.api_key) if chosen.api_key else ours.api_key if ours else Secret.parse(_API_KEY)
    database: DatabaseAddress | None = None
    if ours and not chosen.without_database:
        database = database_address(ours, settings.sql_server)
    bound = approval.statement.main
    try:
        return read_main_now(chosen.main, key, database, bound.audited, bound.newest_events)
    except HarnessError as error:
        return error


def _plan(chosen: argparse.Namespace, settings: Settings, approval: Approval) -> Mapping[str, Any] | None:
    """What the pipeline is about to do: by the command line, else by the settings where there are any."""
    if chosen.target:
        target, via = Version.parse(chosen.target), [Version.parse(one) for one in chosen.via]
    elif settings.main is not None or "upgrade" in settings.model_fields_set:
        target, via = settings.upgrade.target, list(settings.upgrade.via)
    else:
        return None
    path = [Version.parse(approval.statement.path[0]), *via, target]
    knowledge = release_knowledge()
    return plan(path[0], target, knowledge.with_versions((*knowledge.versions, *path)), via).as_json()


def _installers(settings: Settings, approval: Approval) -> Mapping[str, str] | HarnessError | None:
    if settings.feed.url is None or not gets_installers(settings):
        return None  # a main instance in containers gets images: its cut-over compares their digests
    feed = DownloadFeed(settings.feed.url)
    try:
        path, package = approval.statement.path[1:], settings.package
        return {one: f"sha256:{feed.checksum(Version.parse(one), package=package)}" for one in path}
    except HarnessError as error:
        return error


def _evidence(chosen: argparse.Namespace) -> EvidenceNow | None:
    folder: Path | None = chosen.evidence
    if folder is None and (chosen.file.parent / LEDGER).exists():
        folder = chosen.file.parent
    if folder is None:
        return None
    return evidence_now(folder)


def _tell(given: Answer, chosen: argparse.Namespace, output: TextIO) -> int:
    if chosen.json:
        output.write(json.dumps(given.as_json(), indent=2, ensure_ascii=False) + "\n")
        return given.says.exit_code
    output.write(f"{given.says.value.upper()}: {_MEANINGS[given.says.value]}\n")
    output.writelines(f"  {reason.objection}: {reason.message}\n" for reason in given.reasons)
    if given.approvers:
        output.write(f"  approved by {', '.join(given.approvers)}\n")
    output.writelines(
        f"  · {event.occurred:%Y-%m-%d %H:%M} {event.category} by {event.user}: {event.message}\n"
        for event in given.drift[:_LISTED]
    )
    if len(given.drift) > _LISTED:
        output.write(f"  · and {len(given.drift) - _LISTED} more; --json lists all\n")
    if given.compared:
        output.write(f"  compared: {', '.join(given.compared)}\n")
    return given.says.exit_code


_MEANINGS: Final = {
    "yes": "the main instance may be upgraded now",
    "no": "the main instance must not be upgraded on the strength of this approval",
    "unknown": "whether the main instance may be upgraded is not known",
}
