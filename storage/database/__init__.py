"""The database itself: connected to, migrated, backed up, waited for."""
