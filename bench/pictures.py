"""Product pictures to index and to search with, drawn beforehand and served from another process."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice, product
from multiprocessing import get_context
from multiprocessing.connection import Connection

from catalog.demo.colors import COLORS
from catalog.demo.drawing import KINDS
from catalog.demo.pictures import Picture, render
from catalog.demo.studio import BACKGROUNDS
from trooply.embedded.process import die_with_parent
from trooply.testing.picture_server import PictureServer

# A forked child would hold our connections and locks.
PROCESSES = get_context("spawn")


def draw_pictures(count: int) -> list[bytes]:
    """Return `count` different product pictures as WebP files of 800 x 800 pixels."""
    things = islice(cycle(product(COLORS, KINDS)), count)
    backgrounds = cycle(BACKGROUNDS)
    pictures = [
        Picture(kind=kind, color=color, background=background, seed=seed)
        for seed, ((color, kind), background) in enumerate(zip(things, backgrounds, strict=False))
    ]
    with PROCESSES.Pool() as pool:
        return pool.map(render, pictures)


def describe_pictures(count: int) -> list[str]:
    """Return `count` different queries in words, such as `light blue handbag`."""
    words = (f"{color} {kind.replace('-', ' ')}" for color, kind in product(COLORS, KINDS))
    return list(islice(cycle(words), count))


@contextmanager
def served(pictures: Sequence[bytes]) -> Iterator[list[str]]:
    """Serve pictures on loopback from a process of their own; the context's value is their addresses."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=_serve, args=(pictures, theirs, os.getpid()), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pictures: Sequence[bytes], answer: Connection, parent: int) -> None:
    die_with_parent(parent, signal.SIGTERM)
    with PictureServer() as server:
        addresses = [
            server.serve(f"/{number}.webp", picture, content_type="image/webp")
            for number, picture in enumerate(pictures)
        ]
        answer.send(addresses)
        signal.pause()
