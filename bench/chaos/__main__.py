"""`python -m bench.chaos`, beside the PostgreSQL and Valkey that DATABASE_URL and REDIS_URL name, and that it kills."""

import argparse
import os
import signal
import sys

import django

from bench.chaos import __doc__ as description
from bench.installation import own_installation

VICTIMS = ("worker", "web", "redis", "postgres")


def main() -> None:
    """Run every case and print what was found; the exit status is 1 when anything was lost or made twice."""
    options = _parse_arguments()
    if "DATABASE_URL" not in os.environ:
        sys.exit("There is no PostgreSQL to kill. Run `make chaos`, which starts one beside it.")
    # The end comes as an exception, so that everything that runs is stopped.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with own_installation():
        django.setup()
        # Imported here, because these import models, which need Django's settings.
        from bench.chaos.cases import run
        from bench.chaos.report import write_report

        outcomes = run(options.victims, products=options.products)
    print(write_report(outcomes))
    sys.exit(0 if all(outcome.is_whole for outcome in outcomes) else 1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=description)
    parser.add_argument("--products", type=int, default=120, help="products of each job (default: %(default)s)")
    parser.add_argument("--victims", nargs="+", default=VICTIMS, choices=VICTIMS, help="default: all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
