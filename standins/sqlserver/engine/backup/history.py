"""What msdb remembers of backups and restores; the tables are the real ones' with their most used columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from standins.sqlserver.engine.backup.container import Header, Media, Trailer

if TYPE_CHECKING:
    from standins.sqlserver.engine.server import SqlServerEngine

TABLES = """
CREATE TABLE dbo.backupmediaset (
    media_set_id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, media_uuid uniqueidentifier NULL,
    media_family_count tinyint NULL,
    name nvarchar(128) NULL, description nvarchar(255) NULL, software_name nvarchar(128) NULL,
    software_vendor_id int NULL, MTF_major_version tinyint NULL, mirror_count tinyint NULL,
    is_password_protected bit NULL,
    is_compressed bit NULL, is_encrypted bit NULL);
CREATE TABLE dbo.backupmediafamily (
    media_set_id int NOT NULL REFERENCES dbo.backupmediaset (media_set_id), family_sequence_number tinyint NOT NULL,
    media_family_id uniqueidentifier NULL, media_count int NULL, logical_device_name nvarchar(128) NULL,
    physical_device_name nvarchar(260) NULL, device_type tinyint NULL, physical_block_size int NULL,
    mirror tinyint NOT NULL DEFAULT 0, PRIMARY KEY (media_set_id, family_sequence_number, mirror));
CREATE TABLE dbo.backupset (
    backup_set_id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, backup_set_uuid uniqueidentifier NOT NULL,
    media_set_id int NOT NULL REFERENCES dbo.backupmediaset (media_set_id), first_family_number tinyint NULL,
    first_media_number smallint NULL, last_family_number tinyint NULL, last_media_number smallint NULL,
    catalog_family_number tinyint NULL, catalog_media_number smallint NULL, position int NULL,
    expiration_date datetime NULL, software_vendor_id int NULL, name nvarchar(128) NULL, description nvarchar(255) NULL,
    user_name nvarchar(128) NULL, software_major_version tinyint NULL, software_minor_version tinyint NULL,
    software_build_version smallint NULL, time_zone smallint NULL, mtf_minor_version tinyint NULL,
    first_lsn numeric(25, 0) NULL, last_lsn numeric(25, 0) NULL, checkpoint_lsn numeric(25, 0) NULL,
    database_backup_lsn numeric(25, 0) NULL, database_creation_date datetime NULL, backup_start_date datetime NULL,
    backup_finish_date datetime NULL, type char(1) NULL, sort_order smallint NULL, code_page smallint NULL,
    compatibility_level tinyint NULL, database_version int NULL, backup_size numeric(20, 0) NULL,
    database_name nvarchar(128) NULL, server_name nvarchar(128) NULL, machine_name nvarchar(128) NULL, flags int NULL,
    collation_name nvarchar(128) NULL, family_guid uniqueidentifier NULL, has_bulk_logged_data bit NULL,
    is_snapshot bit NULL, is_readonly bit NULL, is_single_user bit NULL, has_backup_checksums bit NULL,
    is_damaged bit NULL, begins_log_chain bit NULL, has_incomplete_metadata bit NULL, is_force_offline bit NULL,
    is_copy_only bit NULL, recovery_model nvarchar(60) NULL, compressed_backup_size numeric(20, 0) NULL);
CREATE TABLE dbo.backupfile (
    backup_set_id int NOT NULL REFERENCES dbo.backupset (backup_set_id), first_family_number tinyint NULL,
    file_number numeric(10, 0) NOT NULL, backed_up_page_count numeric(10, 0) NULL, page_size int NULL,
    file_type char(1) NULL, source_file_block_size numeric(10, 0) NULL, file_size numeric(20, 0) NULL,
    logical_name nvarchar(128) NULL, physical_drive nvarchar(260) NULL, physical_name nvarchar(260) NULL,
    state tinyint NULL, state_desc nvarchar(64) NULL, backup_size numeric(20, 0) NULL, is_present bit NULL,
    PRIMARY KEY (backup_set_id, file_number));
CREATE TABLE dbo.restorehistory (
    restore_history_id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, restore_date datetime NULL,
    destination_database_name nvarchar(128) NULL, user_name nvarchar(128) NULL, backup_set_id int NULL,
    restore_type char(1) NULL, replace bit NULL, recovery bit NULL, restart bit NULL, stop_at datetime NULL);
"""


def ensure_tables(server: SqlServerEngine) -> None:
    msdb = server.find("msdb")
    assert msdb is not None
    if msdb.model.table("dbo", "backupset") is None:
        run(server, TABLES)


def run(server: SqlServerEngine, text: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """T-SQL of the server's own in msdb."""
    with server.internal("msdb") as session:
        return session.run(text, values or {})


def record_backup(
    server: SqlServerEngine, media: Media, header: Header, trailer: Trailer, *, path: Path, position: int
) -> None:
    major, minor, build = server.product.version
    values: dict[str, Any] = {
        "@media": media.media_set_id, "@family": media.family_id, "@media_name": media.name, "@path": str(path),
        "@media_description": media.description, "@compressed": header.compressed, "@uuid": header.backup_set_guid,
        "@position": position, "@expires": header.expires, "@name": header.name, "@description": header.description,
        "@user": header.user, "@major": major, "@minor": minor, "@build": build, "@first": str(header.first_lsn),
        "@last": str(header.last_lsn), "@checkpoint": str(header.checkpoint_lsn),
        "@base": str(header.database_backup_lsn), "@created": header.created, "@start": header.started,
        "@finish": trailer.finished, "@type": header.kind, "@level": header.compatibility_level,
        "@version": header.database_version, "@size": str(trailer.size), "@database": header.database,
        "@server": header.server, "@machine": header.machine, "@collation": header.collation,
        "@guid": header.family_guid, "@checksums": header.checksums, "@copy": header.copy_only,
        "@readonly": header.read_only, "@single": header.single_user, "@recovery": header.recovery,
        "@stored": str(trailer.stored), "@data": header.files[0].logical_name,
        "@data_path": header.files[0].physical_name, "@log": header.files[1].logical_name,
        "@log_path": header.files[1].physical_name, "@log_size": str(header.files[1].size),
        "@pages": str(max(1, trailer.size // 8192)),
    }  # fmt: skip
    run(server, _RECORD_BACKUP, values)


_RECORD_BACKUP = """
DECLARE @set int = (SELECT media_set_id FROM dbo.backupmediaset WHERE media_uuid = @media);
IF @set IS NULL
BEGIN
    INSERT INTO dbo.backupmediaset (media_uuid, media_family_count, name, description, software_name,
    software_vendor_id,
        MTF_major_version, mirror_count, is_password_protected, is_compressed, is_encrypted)
    VALUES (@media, 1, @media_name, @media_description, N'Microsoft SQL Server', 4608, 1, 1, 0, @compressed, 0);
    SET @set = SCOPE_IDENTITY();
    INSERT INTO dbo.backupmediafamily (media_set_id, family_sequence_number, media_family_id, media_count,
        physical_device_name, device_type, physical_block_size, mirror)
    VALUES (@set, 1, @family, 1, @path, 2, 512, 0);
END;
INSERT INTO dbo.backupset (backup_set_uuid, media_set_id, first_family_number, first_media_number, last_family_number,
    last_media_number, position, expiration_date, software_vendor_id, name, description, user_name,
    software_major_version, software_minor_version, software_build_version, first_lsn, last_lsn, checkpoint_lsn,
    database_backup_lsn, database_creation_date, backup_start_date, backup_finish_date, type, sort_order, code_page,
    compatibility_level, database_version, backup_size, database_name, server_name, machine_name, flags, collation_name,
    family_guid, has_bulk_logged_data, is_snapshot, is_readonly, is_single_user, has_backup_checksums, is_damaged,
    begins_log_chain, has_incomplete_metadata, is_force_offline, is_copy_only, recovery_model, compressed_backup_size)
VALUES (@uuid, @set, 1, 1, 1, 1, @position, @expires, 4608, @name, @description, @user, @major, @minor, @build, @first,
    @last, @checkpoint, @base, @created, @start, @finish, @type, 52, 0, @level, @version, @size, @database, @server,
    @machine, 512, @collation, @guid, 0, 0, @readonly, @single, @checksums, 0, 0, 0, 0, @copy, @recovery, @stored);
DECLARE @id int = SCOPE_IDENTITY();
INSERT INTO dbo.backupfile (backup_set_id, first_family_number, file_number, backed_up_page_count, page_size, file_type,
    source_file_block_size, file_size, logical_name, physical_name, state, state_desc, backup_size, is_present)
VALUES (@id, 1, 1, @pages, 8192, 'D', 512, @size, @data, @data_path, 0, N'ONLINE', @size, 1),
    (@id, 1, 2, 2, 8192, 'L', 512, @log_size, @log, @log_path, 0, N'ONLINE', 16384, 1);
"""

_RECORD_RESTORE = """
INSERT INTO dbo.restorehistory (restore_date, destination_database_name, user_name, backup_set_id, restore_type,
replace,
    recovery, restart)
SELECT GETDATE(), @database, @user, (SELECT MAX(backup_set_id) FROM dbo.backupset WHERE backup_set_uuid = @uuid), @type,
    @replace, @recovery, 0;
"""


def record_restore(
    server: SqlServerEngine, database: str, user: str, header: Header, *, replaced: bool, recovery: bool
) -> None:
    values: dict[str, Any] = {
        "@database": database, "@user": user, "@uuid": header.backup_set_guid, "@type": header.kind,
        "@replace": replaced, "@recovery": recovery,
    }  # fmt: skip
    run(server, _RECORD_RESTORE, values)
