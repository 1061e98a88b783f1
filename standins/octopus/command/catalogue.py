"""The commands, their options and the versions that have them (Octopus docs, Octopus.Server.exe command line)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from standins.octopus.contract import Version

_SKIPS: Final = ("skipDatabaseCompatibilityCheck", "skipDatabaseSchemaUpgradeCheck")
_FORMAT: Final = ("format",)
_ALWAYS: Final = Version(0, 0, 0)
_NEVER: Final = Version(9999, 0, 0)


@dataclass(frozen=True, slots=True)
class Command:
    """``target`` is ``module:function`` below this package; it gets the invocation and returns the exit code."""

    name: str
    description: str
    target: str = ""
    values: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    since: Version = _ALWAYS
    until: Version = _NEVER

    def in_force(self, version: Version) -> bool:
        return self.since <= version < self.until


_CONFIGURE: Final = (
    *("home", "serverNodeName", "webListenPrefixes", "webForceSSL", "commsListenPort", "grpcListenPort"),
    *("commsListenWebSocket", "upgradeCheck", "upgradeCheckWithStatistics", "sendTelemetry", "upgradeNotification"),
    *("webCorsWhitelist", "xFrameOptions", "hstsEnabled", "hstsMaxAge", "webServer", "trustedProxies"),
    *("autoLoginEnabled", "cookieDomain", "requestLoggingEnabled", "customBundledPackageDirectory", "cachePackages"),
    *("usernamePasswordIsEnabled", "guestloginenabled", "serverUri"),
)

COMMANDS: Final = (
    Command("admin", "Create or reset an administrator", "accounts:admin",
            ("username", "email", "password", "apiKey", "externalGroup", "externalGroupId",
             "externalGroupDescription", "wait"), _SKIPS),
    Command("builtin-worker", "Configure the built-in worker", "settings:builtin_worker",
            ("username", "password", "domain"), ("auto-configure", "reset")),
    Command("checkservices", "Start the services of instances that are not running", "services:check", ("instances",)),
    Command("configure", "Configure this instance", "settings:configure", _CONFIGURE, _SKIPS),
    Command("container", "Run as the container image does", "container:run", (), ("exit-with-stdin",)),
    Command("create-instance", "Register a new instance", "instance_commands:create", ("home", "serverNodeName")),
    Command("database", "Create, upgrade or drop the database", "database:database",
            ("connectionString", "masterKey", "grant"), ("create", "upgrade", "delete", "skipLicenseCheck", *_SKIPS)),
    Command("delete-instance", "Remove an instance from the list", "instance_commands:delete"),
    Command("export-certificate", "Export the server's certificate to a file", "network:export_certificate",
            ("export-pfx", "pfx-password", "type")),
    Command("import-certificate", "Replace the server's certificate", "network:import_certificate",
            ("from-file", "f", "pfx-password", "pw"), _SKIPS),
    Command("license", "Import a license", "settings:license_", ("licenseBase64", "licenseFile"),
            ("skipLicenseCheck", "free", *_SKIPS)),
    Command("list-instances", "List all instances", "instance_commands:list_", _FORMAT),
    Command("lost-master-key", "Give the server a new master key; resets all sensitive values", "master_keys:lost", (),
            ("iReallyWantToResetAllMySensitiveData", "iHaveBackedUpMyDatabase", "upgradeDatabase",
             "skipCurrentMasterKeyTest", "scrubPii", "skipLicenseCheck")),
    Command("metrics", "Enable or disable task metrics", "settings:metrics", ("tasks", "webapi"),
            until=Version(2020, 5, 0)),  # 2018.2.7 to 2020.4, OctopusDSC
    Command("new-certificate", "Create a new certificate for the server", "master_keys:new_certificate"),
    Command("node", "Configure this node", "settings:node", ("taskCap", "drain", "wait"),
            ("cancel-tasks", "cancelTasks", *_SKIPS)),
    Command("path", "Set where the server keeps its files", "settings:path",
            ("nugetRepository", "artifacts", "taskLogs", "eventExports", "imports", "telemetry", "cacheDirectory",
             "clusterShared"), _SKIPS),
    Command("proxy", "Configure the HTTP proxy", "network:proxy",
            ("proxyEnable", "proxyUsername", "proxyPassword", "proxyHost", "proxyPort")),
    Command("rotate-master-key", "Encrypt everything with a new master key", "master_keys:rotate", (), (),
            Version(2022, 4, 0)),
    Command("run", "Start the server in the foreground", "run:run", ("customextension",),
            ("exit-with-stdin", *_SKIPS)),
    Command("service", "Start, stop or install the service", "services:service",
            ("username", "user", "password", "dependOn"),
            ("start", "stop", "restart", "install", "uninstall", "reconfigure")),
    Command("show-configuration", "Show the configuration", "settings:show_configuration", ("file", *_FORMAT)),
    Command("show-master-key", "Show the master key", "master_keys:show", _FORMAT),
    Command("show-thumbprint", "Show the thumbprint of the server's certificate", "master_keys:thumbprint", _FORMAT),
    Command("ssl-certificate", "Bind a TLS certificate", "network:ssl_certificate",
            ("ip-address", "port", "thumbprint", "certificate-store")),
    Command("version", "Show the version", "instance_commands:version", _FORMAT),
    Command("watchdog", "Create or delete the scheduled watchdog task", "services:watchdog",
            ("interval", "instances"), ("create", "delete")),
)  # fmt: skip


def find(name: str, version: Version) -> Command | None:
    return next((command for command in COMMANDS if command.name == name.lower() and command.in_force(version)), None)
