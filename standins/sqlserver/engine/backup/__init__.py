"""BACKUP and RESTORE."""
