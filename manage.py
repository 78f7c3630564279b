#!/usr/bin/env python
"""Django's command line for Trooply."""

import os
import sys

from django.core.management import execute_from_command_line

from trooply.embedded.errors import EmbeddedError
from trooply.embedded.servers import prepare_environment


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trooply.settings")
    # `up` needs settings before it can load, and is itself what starts the servers that they name.
    if sys.argv[1:2] == ["up"]:
        try:
            prepare_environment()
        except EmbeddedError as error:
            sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
