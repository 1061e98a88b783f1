"""Views of the server: databases, logins, sessions, requests, configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from standins.sqlserver.engine import moments
from standins.sqlserver.engine.catalog.base import Row, view

if TYPE_CHECKING:
    from standins.sqlserver.engine.database import Database
    from standins.sqlserver.engine.session import EngineSession

_STATES = {"ONLINE": 0, "RESTORING": 1, "OFFLINE": 6}
_ACCESS = {"MULTI_USER": 0, "SINGLE_USER": 1, "RESTRICTED_USER": 2}
_RECOVERY = {"FULL": 1, "BULK_LOGGED": 2, "SIMPLE": 3}


def _moment(seconds: float) -> str:
    return moments.moment_text(moments.to_datetime_precision(moments.from_unix(seconds)))


def _databases(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_databases():
        s = known.settings
        snapshot = 1 if s.snapshot_isolation else 0
        yield (
            s.name, s.database_id, None, bytes.fromhex(session.server.security.sid(s.owner)), s.created,
            s.compatibility_level,
            s.collation if s.state == "ONLINE" else None, _ACCESS[s.access], s.access, int(s.read_only), 0, 0,
            _STATES[s.state], s.state, 0, 0, 0, snapshot, "ON" if snapshot else "OFF", int(s.read_committed_snapshot),
            _RECOVERY[s.recovery], s.recovery, 2, "CHECKSUM", 1, 0, 1, 0, int(s.database_id == 4), 0, 0, 0, 0,
            "NOTHING",
            0, 0, s.family_guid or None, 0, None, None, 0,
        )  # fmt: skip


def _sessions(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_sessions():
        running = known.running is not None
        current = session.server.find(known.database)
        yield (
            known.spid, known.login_time, known.request.host_name or None, known.request.application or None,
            known.request.client_pid or None, 7, known.request.library or None, b"\x01", known.login, None, None,
            "running" if running else "sleeping", None, known.cpu_ms, 4, 0, known.elapsed_ms,
            _moment(known.last_started),
            _moment(known.last_finished), 0, 0, known.row_count, 1, -1, 2, known.last_error, b"\x01", known.login,
            current.id if current is not None else None, 1, known.transactions.count,
        )  # fmt: skip


def _requests(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_sessions():
        if known.running is None:
            continue
        current = session.server.find(known.database)
        blocker = session.server.locks.blocker(known.spid)
        yield (
            known.spid, 0, _moment(known.last_started), "suspended" if blocker else "running", known.command,
            current.id if current is not None else 1, 1, blocker, "LCK_M_X" if blocker else None, 0, "", "",
            int(known.transactions.count > 0), 1, known.percent_complete, 0, known.cpu_ms, known.elapsed_now(), 0, 0, 0,
            known.row_count,
        )  # fmt: skip


def _connections(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    for known in session.server.all_sessions():
        yield (
            known.spid, known.spid, known.login_time, "TCP", "TSQL", 1_946_157_060, None, "TRUE", "SQL", 0, 0, 0, 4096,
            known.request.client_address or None, 0,
        )  # fmt: skip


def _configurations(session: EngineSession, database: Database) -> Iterator[Row]:
    del session, database
    settings = (
        (102, "allow updates", 0), (109, "fill factor (%)", 0), (1539, "max degree of parallelism", 0),
        (1544, "max server memory (MB)", 2_147_483_647), (1579, "backup compression default", 0),
        (1584, "backup checksum default", 0), (16390, "xp_cmdshell", 0), (16391, "contained database authentication",
        0),
        (518, "show advanced options", 0), (1562, "clr enabled", 0),
    )  # fmt: skip
    for number, name, value in settings:
        yield number, name, value, 0, 2_147_483_647, value, name, 1, 0


def _os_info(session: EngineSession, database: Database) -> Iterator[Row]:
    del database
    yield 0, 2, 2, 4_194_304, session.server.started


def _log_space(session: EngineSession, database: Database) -> Iterator[Row]:
    del session
    size = 8_388_608
    yield database.id, size, 0, 0.0


VIEWS = (
    view(
        "sys.databases",
        "name sysname, database_id int, source_database_id int, owner_sid varbinary(85), create_date datetime, "
        "compatibility_level tinyint, collation_name sysname, user_access tinyint, user_access_desc nvarchar(60), "
        "is_read_only bit, is_auto_close_on bit, is_auto_shrink_on bit, state tinyint, state_desc nvarchar(60), "
        "is_in_standby bit, is_cleanly_shutdown bit, is_supplemental_logging_enabled bit, "
        "snapshot_isolation_state tinyint, snapshot_isolation_state_desc nvarchar(60), "
        "is_read_committed_snapshot_on bit, recovery_model tinyint, recovery_model_desc nvarchar(60), "
        "page_verify_option tinyint, page_verify_option_desc nvarchar(60), is_auto_create_stats_on bit, "
        "is_auto_create_stats_incremental_on bit, is_auto_update_stats_on bit, is_auto_update_stats_async_on bit, "
        "is_trustworthy_on bit, is_db_chaining_on bit, is_parameterization_forced bit, is_query_store_on bit, "
        "log_reuse_wait tinyint, log_reuse_wait_desc nvarchar(60), is_broker_enabled bit, is_encrypted bit, "
        "service_broker_guid uniqueidentifier, containment tinyint, default_language_name sysname, "
        "replica_id uniqueidentifier, is_published bit",
        _databases,
        volatile=True,
    ),
    view(
        "sys.dm_exec_sessions",
        "session_id smallint, login_time datetime, host_name nvarchar(128), program_name nvarchar(128), "
        "host_process_id int, client_version int, client_interface_name nvarchar(32), security_id varbinary(85), "
        "login_name nvarchar(128), nt_domain nvarchar(128), nt_user_name nvarchar(128), status nvarchar(30), "
        "context_info varbinary(128), cpu_time int, memory_usage int, total_scheduled_time int, "
        "total_elapsed_time int, last_request_start_time datetime, last_request_end_time datetime, reads bigint, "
        "writes bigint, row_count bigint, is_user_process bit, lock_timeout int, transaction_isolation_level smallint, "
        "prev_error int, original_security_id varbinary(85), original_login_name nvarchar(128), database_id smallint, "
        "authenticating_database_id int, open_transaction_count int",
        _sessions,
        volatile=True,
    ),
    view(
        "sys.dm_exec_requests",
        "session_id smallint, request_id int, start_time datetime, status nvarchar(30), command nvarchar(32), "
        "database_id smallint, user_id int, blocking_session_id smallint, wait_type nvarchar(60), wait_time int, "
        "last_wait_type nvarchar(60), wait_resource nvarchar(256), open_transaction_count int, "
        "open_resultset_count int, percent_complete real, estimated_completion_time bigint, cpu_time int, "
        "total_elapsed_time int, reads bigint, writes bigint, logical_reads bigint, row_count bigint",
        _requests,
        volatile=True,
    ),
    view(
        "sys.dm_exec_connections",
        "session_id int, most_recent_session_id int, connect_time datetime, net_transport nvarchar(40), "
        "protocol_type nvarchar(40), protocol_version int, endpoint_id int, encrypt_option nvarchar(40), "
        "auth_scheme nvarchar(40), node_affinity smallint, num_reads int, num_writes int, net_packet_size int, "
        "client_net_address varchar(48), client_tcp_port int",
        _connections,
        volatile=True,
    ),
    view(
        "sys.configurations",
        "configuration_id int, name nvarchar(35), value int, minimum int, maximum int, value_in_use int, "
        "description nvarchar(255), is_dynamic bit, is_advanced bit",
        _configurations,
    ),
    view(
        "sys.dm_os_sys_info",
        "cpu_ticks bigint, cpu_count int, scheduler_count int, physical_memory_kb bigint, sqlserver_start_time "
        "datetime",
        _os_info,
        volatile=True,
    ),
    view(
        "sys.dm_db_log_space_usage",
        "database_id int, total_log_size_in_bytes bigint, used_log_space_in_bytes bigint, "
        "used_log_space_in_percent real",
        _log_space,
        volatile=True,
    ),
)
