"""Lines of several processes on one terminal."""

from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 31)
NAME_WIDTH = 11


class Console:
    """Writes each line behind the name of the process that said it, in a colour of its own on a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream
        self._labels: dict[str, str] = {}

    def say(self, name: str, line: str) -> None:
        """Write one line."""
        if self._stream is None:
            return
        if name not in self._labels:
            self._labels[name] = self._label(name, coloured=self._stream.isatty())
        try:
            self._stream.write(f"{self._labels[name]}{line}\n")
            self._stream.flush()
        except OSError:
            # The terminal is gone. The logs have every line, and what comes next must still end in order.
            self._stream = None

    def _label(self, name: str, *, coloured: bool) -> str:
        label = f"{name:<{NAME_WIDTH}} | "
        if not coloured:
            return label
        return f"\x1b[{COLOURS[len(self._labels) % len(COLOURS)]}m{label}\x1b[0m"
