"""`python -m training --data DIR`: make the bundled encoder from the pictures in DIR, one stage after the other.

Each stage keeps what it made under `--out`, and is skipped when that is there; delete a stage's folder or file to make
it again. `training/README.md` tells what each does.
"""

import argparse
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from training import stages

logger = logging.getLogger("training")


def main() -> None:
    """Run the stages that were asked for."""
    options = _parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.out.mkdir(parents=True, exist_ok=True)
    work = stages.Work(data=options.data, out=options.out, processes=options.processes)
    for name in options.stages or STAGES:
        logger.info("stage %s", name)
        started = time.monotonic()
        STAGES[name](work)
        logger.info("stage %s took %.1f minutes", name, (time.monotonic() - started) / 60)


STAGES: dict[str, Callable[[stages.Work], None]] = {
    "draw": stages.draw,
    "see": stages.see,
    "text": stages.text,
    "together": stages.together,
    "choose": stages.choose,
    "bundle": stages.bundle,
}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], help="only these stages (default: all)")
    parser.add_argument("--data", type=Path, required=True, help="the folder with `clothing` and `grocery`")
    parser.add_argument("--out", type=Path, default=Path("var/training"), help="where the work goes: %(default)s")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="for drawing and seeing (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
