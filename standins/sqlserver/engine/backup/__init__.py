"""BACKUP and RESTORE.

A backup file holds one media set with any number of backup sets. Each set is a snapshot of the database's SQLite file,
in checksummed, optionally compressed chunks between a checksummed header and trailer: a flipped bit or a missing byte
is found before a restored database becomes visible.

``container``   the file format
``writing``     BACKUP DATABASE and BACKUP LOG
``reading``     RESTORE HEADERONLY, FILELISTONLY, LABELONLY, VERIFYONLY
``restoring``   RESTORE DATABASE and RESTORE LOG
``history``     what msdb remembers
``statements``  the statements' options and errors
"""
