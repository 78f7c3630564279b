"""Takes the code samples out of the developer guide: one Python, one JavaScript and one curl text for each step."""

import re
from dataclasses import dataclass
from pathlib import Path

_HEADINGS = {
    3: "3 Authenticate with OAuth 2.0",
    4: "4 Index Your First Product",
    5: "5 Bulk Index Products",
    6: "6 Search by Image",
    7: "7 Search by Text",
    8: "8 Hybrid & Advanced Search",
}
_JAVASCRIPT = re.compile(r"(//|const |let |await )")
_SHELL = re.compile(r"(#|curl )")
_SHELL_LINE = re.compile(r"(#|curl |\s|\}|$)")


@dataclass(frozen=True)
class Samples:
    python: str
    javascript: str
    shell: str


def read_samples(guide: Path, step: int) -> Samples:
    """Return the samples of a step of the guide, as they stand there."""
    lines = guide.read_text().splitlines()
    section = lines[lines.index(_HEADINGS[step]) : lines.index(_HEADINGS[step + 1])]
    python = section.index("import httpx")
    javascript = _first(section, python, _JAVASCRIPT)
    shell = _first(section, javascript, _SHELL)
    end = next((n for n in range(shell, len(section)) if not _SHELL_LINE.match(section[n])), len(section))
    return Samples(
        "\n".join(section[python:javascript]),
        "\n".join(section[javascript:shell]),
        "\n".join(section[shell:end]),
    )


def _first(lines: list[str], start: int, pattern: re.Pattern[str]) -> int:
    return next(n for n in range(start, len(lines)) if pattern.match(lines[n]))
