"""Errors of BACKUP and RESTORE. Each comes with a second one that says which statement gave up (3013)."""

from __future__ import annotations

import errno
from pathlib import Path

from standins.sqlserver.contract import SqlServerError
from standins.sqlserver.engine.tablemodels import Errors

#: Windows error numbers and texts as SQL Server reports them on every platform.
_SYSTEM_ERRORS = {
    errno.ENOENT: (2, "The system cannot find the file specified."),
    errno.ENOTDIR: (3, "The system cannot find the path specified."),
    errno.EACCES: (5, "Access is denied."),
    errno.EPERM: (5, "Access is denied."),
    errno.EISDIR: (5, "Access is denied."),
    errno.EROFS: (19, "The media is write protected."),
    errno.ENOSPC: (112, "There is not enough space on the disk."),
    errno.EFBIG: (112, "There is not enough space on the disk."),
    errno.EDQUOT: (112, "There is not enough space on the disk."),
}


def abandoned(statement: str) -> SqlServerError:
    return SqlServerError(3013, f"{statement} is terminating abnormally.", 16, 1)


def failed(statement: str, *errors: SqlServerError) -> SqlServerError:
    """The errors, closed by 3013."""
    return Errors(errors[0], *errors[1:], abandoned(statement))


def system_error(error: OSError) -> str:
    number, text = _SYSTEM_ERRORS.get(error.errno or 0, (error.errno or 0, error.strerror or "unknown"))
    return f"{number}({text})"


def cannot_open(path: Path, error: OSError) -> SqlServerError:
    text = f"Cannot open backup device '{path}'. Operating system error {system_error(error)}."
    return SqlServerError(3201, text, 16, 1)


def cannot_write(path: Path, error: OSError) -> SqlServerError:
    return SqlServerError(3202, f'Write on "{path}" failed: {system_error(error)}', 16, 1)


def read_ended(path: Path) -> SqlServerError:
    return SqlServerError(3203, f'Read on "{path}" failed: 38(Reached the end of the file.)', 16, 1)


def incorrectly_formed(path: Path) -> SqlServerError:
    text = f"The media family on device '{path}' is incorrectly formed. SQL Server cannot process this media family."
    return SqlServerError(3241, text, 16, 0)


def damaged() -> SqlServerError:
    return SqlServerError(3189, "Damage to the backup set was detected.", 16, 1)


def bad_page(page: int, database: str) -> SqlServerError:
    text = f'RESTORE detected an error on page (1:{page}) in database "{database}" as read from the backup set.'
    return SqlServerError(3183, text, 16, 1)


def no_such_set(position: int, path: Path) -> SqlServerError:
    return SqlServerError(4038, f"Cannot find file ID {position} on device '{path}'.", 16, 1)


def too_new(theirs: str, ours: str) -> SqlServerError:
    text = (
        f"The database was backed up on a server running version {theirs}. That version is incompatible with this "
        f"server, which is running version {ours}. Either restore the database on a server that supports the "
        "backup, or "
        "use a backup that is compatible with this server."
    )
    return SqlServerError(3169, text, 16, 1)
