#!/usr/bin/env python
"""Django's command line, connected as the database role that each command needs."""

from __future__ import annotations

import os
import sys

# These change the schema, grants or whole partitions, which only the owner role may do.
OWNER_COMMANDS = {"migrate", "flush", "apply_retention", "sqlmigrate", "sqlflush", "dbshell"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campushub.settings")
    if len(sys.argv) > 1 and sys.argv[1] in OWNER_COMMANDS:
        os.environ.setdefault("CAMPUSHUB_DB_ROLE", "owner")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit("Django is not installed here: run bin/manage instead of manage.py.") from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
