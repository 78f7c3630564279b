"""Takes the code samples out of the documents: Python, JavaScript and curl of the guide, curl of the Catalog API."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FUSION = "fusion"
_HEADINGS: dict[int | str, str] = {
    3: "3 Authenticate with OAuth 2.0",
    4: "4 Index Your First Product",
    5: "5 Bulk Index Products",
    6: "6 Search by Image",
    7: "7 Search by Text",
    8: "8 Hybrid & Advanced Search",
    FUSION: "NEW Multi-Modal Fusion Search",
    9: "9 Search Results & Feedback",
    10: "10 Set Up Webhooks",
    11: "11 Secure Your Account",
}
_PYTHON = re.compile(r"(import |# )")
_JAVASCRIPT = re.compile(r"(//|const |let |await )")
_SHELL = re.compile(r"(#|curl )")
_SHELL_LINE = re.compile(r"(#|curl |\s|\}|$)")
_CURL = re.compile(r"^curl (?:.*\\\n)*.*?-d '[^']*'", re.MULTILINE)
_RESPONSE = re.compile(r"^Response\n+(\{\n.*?^\})", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Samples:
    python: str
    javascript: str
    shell: str


def read_samples(guide: Path, step: int | str) -> Samples:
    """Return the samples of a step of the guide, as they stand there."""
    lines = guide.read_text().splitlines()
    steps = list(_HEADINGS)
    section = lines[lines.index(_HEADINGS[step]) : lines.index(_HEADINGS[steps[steps.index(step) + 1]])]
    python = _first(section, 0, _PYTHON)
    javascript = _first(section, python, _JAVASCRIPT)
    shell = _first(section, javascript, _SHELL)
    end = next((n for n in range(shell, len(section)) if not _SHELL_LINE.match(section[n])), len(section))
    return Samples(
        "\n".join(section[python:javascript]),
        "\n".join(section[javascript:shell]),
        "\n".join(section[shell:end]),
    )


def read_requests(document: Path) -> list[str]:
    """Return the curl commands of a document in their order, as they stand there."""
    return _CURL.findall(document.read_text())


def read_responses(document: Path) -> list[Any]:
    """Return the answers that a document shows in their order, without the dots that stand for more of the same."""
    return [json.loads(re.sub(r",\s*\.\.\.", "", found)) for found in _RESPONSE.findall(document.read_text())]


def _first(lines: list[str], start: int, pattern: re.Pattern[str]) -> int:
    return next(n for n in range(start, len(lines)) if pattern.match(lines[n]))
