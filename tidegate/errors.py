"""Every error of the harness.

::

    TidegateError                   what happened, where, what to do next
    ├── UsageError                  the user must change something before anything can start: exit code 2
    │   ├── SettingsError           a settings file, environment variable or option
    │   └── VersionRefused          a version that cannot be the target, or a hop known to be bad
    ├── HarnessError                the harness or its surroundings failed: the run is incomplete, exit code 10
    │   ├── Unreachable             a server did not answer
    │   ├── Refused                 a server answered, and refused (credentials, permission, state)
    │   ├── TimedOut                something did not come to its end in time
    │   ├── DriverMissing           no usable ODBC driver
    │   ├── SqlServerFailure        SQL Server reported an error
    │   └── ProvisioningFailed      a test instance could not be made
    ├── MainInstanceProtected       a call would have touched the main instance: refused
    └── UpgradeFailed               the upgrade itself failed: the product's fault, the verdict is rejected

Findings are not errors: see :mod:`tidegate.checks.finding`.
"""

from __future__ import annotations


class TidegateError(Exception):
    """Something that stops a step, told in the reader's words.

    ``what`` happened, ``where`` it happened (a file, a URL, a setting), and what the reader should do ``next_step``.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.next_step:
            lines.append(f"  next:  {self.next_step}")
        return "\n".join(lines)


class UsageError(TidegateError):
    """The user must change something; nothing was started. Exit code 2."""


class SettingsError(UsageError):
    """A settings file, an environment variable or an option is wrong."""


class VersionRefused(UsageError):
    """No rehearsal can be planned between these versions."""


class HarnessError(TidegateError):
    """The harness or its surroundings failed; nothing is said about the upgrade."""


class Unreachable(HarnessError):
    """A server did not answer in time."""


class Refused(HarnessError):
    """A server answered and refused."""


class TimedOut(HarnessError):
    """Something did not come to its end in time. A command was stopped; ``output`` is what it had said by then."""

    def __init__(self, what: str, *, output: str = "", where: str = "", next_step: str = "") -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.output = output


class DriverMissing(HarnessError):
    """No usable ODBC driver or driver manager."""


class SqlServerFailure(HarnessError):
    """SQL Server reported an error; ``number`` is its error number (0 where the driver gave none)."""

    def __init__(self, what: str, *, number: int = 0, where: str = "", next_step: str = "") -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.number = number


class ProvisioningFailed(HarnessError):
    """A server, folder or database of the test instance could not be made."""


class MainInstanceProtected(TidegateError):
    """A destructive call was about to touch the main instance and was refused."""


class UpgradeFailed(TidegateError):
    """The upgrade under rehearsal failed; this is the product's answer, not the harness's trouble."""
