"""Tables that read well in a terminal and in Markdown."""

from collections.abc import Sequence

Cells = Sequence[str]


def table(header: Cells, rows: Sequence[Cells]) -> str:
    """Return a Markdown table, its columns as wide as their widest cell and numbers aligned to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(_aligned(cells, widths)) + " |" for cells in (header, rule, *rows))


def _aligned(cells: Cells, widths: Sequence[int]) -> Cells:
    first, *rest = cells
    return [
        first.ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)),
    ]
