"""The tests' database, for processes that a test starts."""

import os
from urllib.parse import urlsplit

from django.db import connection


def database_url() -> str:
    """Return DATABASE_URL with the name of the database that the tests use."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
