"""Measuring how long things take, and summing it up."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")


def median(values: Sequence[float]) -> float:
    return percentile(values, 50)


def percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))


class Stages:
    """Milliseconds by stage, added up over all runs of it."""

    def __init__(self) -> None:
        self.milliseconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time until the end of the context to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.milliseconds[name] += (time.perf_counter() - started) * 1000

    def timed(self, name: str, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function with its calls added to a stage."""

        @wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> T:
            with self.stage(name):
                return function(*args, **options)

        return call
