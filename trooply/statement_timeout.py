"""No statement of a web process goes on while nobody waits for its answer any more."""

from django.conf import settings
from django.db import connections


def limit_statements() -> None:
    """Have PostgreSQL cancel each statement of this process that takes too long; call it before the first connection.

    Workers and commands build indexes for minutes, so it is for processes that serve requests.
    """
    options = connections.settings["default"]["OPTIONS"]
    options["options"] += f" -c statement_timeout={settings.STATEMENT_TIMEOUT_SECONDS}s"
