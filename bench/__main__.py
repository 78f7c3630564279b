"""`python -m bench`, beside the PostgreSQL and Valkey that DATABASE_URL and REDIS_URL name."""

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import django

from bench.installation import own_installation


def main() -> None:
    """Measure, and print what was found."""
    options = _parse_arguments()
    if "DATABASE_URL" not in os.environ:
        sys.exit("There is no PostgreSQL to measure with. Run `make bench`, which starts one beside it.")
    # The end comes as an exception, so that everything that runs is stopped.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with own_installation():
        django.setup()
        # Imported here, because these import models, which need Django's settings.
        from bench.benchmark import run
        from bench.report import write_report

        results = run(pictures=options.images, rows=options.rows, requests=options.requests, scans=options.scans)
    print(write_report(results))
    if options.json:
        options.json.write_text(json.dumps(asdict(results), indent=2) + "\n")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--images", type=int, default=1_000, help="pictures to index (default: %(default)s)")
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        default=[5_000, 100_000],
        help="sizes of the catalogues to search (default: 5000 100000); the largest is searched in every mode",
    )
    parser.add_argument(
        "--requests", type=int, default=100, help="searches of each mode and size (default: %(default)s)"
    )
    parser.add_argument(
        "--scans",
        type=int,
        nargs="*",
        default=[10_000, 100_000],
        help="sizes of the catalogues to scan for duplicates (default: 10000 100000)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
