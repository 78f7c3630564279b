"""`python -m training --data DIR`: make the bundled encoder from the pictures in DIR, one stage after the other.

Each stage keeps what it made under `--out`, and is skipped when that is there; delete it to make it again.
`training/README.md` tells what each stage does.
"""

import argparse
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training import stages

logger = logging.getLogger("training")


@dataclass(frozen=True)
class Stage:
    """What is done, and the last file that it writes."""

    run: Callable[[stages.Work], None]
    result: str


STAGES = {
    "draw": Stage(stages.draw, "drawn/pictures.jsonl"),
    "see": Stage(stages.see, "features.npy"),
    "text": Stage(stages.text, "text.pt"),
    "together": Stage(stages.together, "student.pt"),
    "choose": Stage(stages.choose, "weights.json"),
    "bundle": Stage(stages.bundle, f"{stages.NAME}/encoder.json"),
}


def main() -> None:
    """Run the stages whose results are not there yet."""
    options = _parse_arguments()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logger.setLevel(logging.INFO)  # and no other: libraries would log their every step
    options.out.mkdir(parents=True, exist_ok=True)
    work = stages.Work(data=options.data, out=options.out, processes=options.processes)
    for name, stage in STAGES.items():
        if (work.out / stage.result).exists():
            logger.info("%s: %s is there", name, work.out / stage.result)
            continue
        started = time.monotonic()
        stage.run(work)
        logger.info("%s took %.1f minutes", name, (time.monotonic() - started) / 60)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with `clothing` and `grocery`")
    parser.add_argument("--out", type=Path, default=Path("var/training"), help="where the work goes: %(default)s")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count(), help="for drawing and seeing (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
