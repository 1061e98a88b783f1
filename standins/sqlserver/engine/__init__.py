"""The database engine: sessions, storage, catalog and backups over SQLite.

Every database is one SQLite file in WAL mode. A session has one SQLite connection, to which the databases it uses are
attached. Tables and everything else T-SQL knows about them are kept as a model inside each database; SQLite's own DDL
is generated from that model and never edited.
"""
