"""Tables of text: their encoding, their delimiter, their rows."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from catalog.feeds.formats.entries import FeedError, FeedFormatError

CHUNK_BYTES = 256 * 1024
DELIMITERS = ",;\t|"
# No shop's export comes near these; they bound the memory that a file takes.
MAX_COLUMNS = 1_000
MAX_ROW_CHARACTERS = 1024 * 1024
MAX_GROUP_BYTES = 16 * 1024 * 1024
# Of each cell in memory, beside its text.
_CELL_BYTES = 200
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Row:
    """A row of a table: its cells by the names of their columns as `column_key` spells them, without spaces around."""

    line: int
    cells: dict[str, str]

    def first(self, *keys: str) -> str:
        """Return the first of these cells that says something, or ""."""
        return next((cell for key in keys if (cell := self.cells.get(key, ""))), "")


@dataclass
class RowGroup:
    """Rows that are one product together; of one that is too large only the first rows are kept."""

    rows: list[Row] = field(default_factory=list)
    is_too_large: bool = False
    _bytes: int = 0

    @property
    def head(self) -> Row:
        return self.rows[0]

    def add(self, row: Row) -> None:
        self._bytes += sum(len(cell) + _CELL_BYTES for cell in row.cells.values())
        self.is_too_large = self.is_too_large or self._bytes > MAX_GROUP_BYTES
        if not self.is_too_large:
            self.rows.append(row)

    def refusal(self, product_id: str) -> FeedError:
        """Return what is wrong with one that is too large."""
        return FeedError(self.head.line, "This product has too many rows, or too long ones, to be read.", product_id)


class _RowTooLongError(ValueError):
    """A row of more than MAX_ROW_CHARACTERS."""


@dataclass
class _Lines:
    """The lines of a text, for a reader of its rows. Raises _RowTooLongError for a row that goes on since `renew`."""

    text: io.TextIOWrapper
    left: int = MAX_ROW_CHARACTERS

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.text.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise _RowTooLongError(f"it has more than {MAX_ROW_CHARACTERS:,} characters")
        if not line:
            raise StopIteration
        return line

    def renew(self) -> None:
        self.left = MAX_ROW_CHARACTERS


@dataclass(frozen=True)
class Table:
    """A table whose first line names its columns."""

    file: IO[bytes]
    encoding: str
    delimiter: str
    columns: tuple[str, ...]

    @property
    def has_decimal_commas(self) -> bool:
        """Whether a comma is likelier a decimal one: spreadsheets that write it so part columns by semicolons."""
        return self.delimiter == ";"

    def rows(self) -> Iterator[Row | FeedError]:
        """Yield the rows that are not empty; one whose quotation marks do not pair is told, and the next line read."""
        # Strict, or a mark that is never closed would swallow the rest of the file as if it were one text.
        lines = _Lines(_text(self.file, self.encoding))
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        keys = [column_key(column) for column in self.columns]
        start = 0
        for cells in _readable(reader):
            line, start = start + 1, reader.line_num
            lines.renew()
            if line == 1:
                continue
            if isinstance(cells, _RowTooLongError):
                yield FeedError(line, f"This row cannot be read: {cells}. Nothing after it was read.")
                return
            if isinstance(cells, csv.Error):
                yield FeedError(
                    line, f"This row cannot be read: {cells}. Is a quotation mark not closed, or not doubled?"
                )
            elif any(cell.strip() for cell in cells):
                yield _row(line, keys, cells)


def column_key(name: str) -> str:
    """Return the name of a column in small letters, with _ for all that is no letter or digit."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def open_table(file: IO[bytes], encoding: str) -> Table:
    """Return the table that a file holds. Raises FeedFormatError when its first line names no columns."""
    text = _text(file, encoding)
    first = text.readline(CHUNK_BYTES)
    delimiter = max(DELIMITERS, key=lambda candidate: len(_cells(first, candidate)))
    file.seek(0)
    try:
        header = next(csv.reader(_Lines(_text(file, encoding)), delimiter=delimiter), [])
    except (csv.Error, _RowTooLongError) as error:
        raise FeedFormatError(
            f"Expected a table whose first line names its columns; the first line cannot be read: {error}."
        ) from error
    columns = tuple(column.strip("\ufeff \t\r\n") for column in header)
    if len(columns) < 2:
        raise FeedFormatError(
            "Expected a table whose first line names its columns, parted by comma, semicolon, tab or |; "
            f"the first line is {first.strip()[:80]!r}."
        )
    if len(columns) > MAX_COLUMNS:
        raise FeedFormatError(f"Expected a table of at most {MAX_COLUMNS:,} columns; this one has {len(columns):,}.")
    return Table(file, encoding, delimiter, columns)


def find_encoding(file: IO[bytes]) -> str:
    """Return the encoding of a text file: by its mark, else UTF-8 where all of it is, else Windows-1252."""
    file.seek(0)
    start = file.read(1024)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    # Every other byte of European text in UTF-16 is null.
    if start.count(0) > len(start) // 4:
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8" if _is_utf8(file) else "windows-1252"


def _text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    file.seek(0)
    # What Windows-1252 leaves undefined stands in no word; a mark in its place is better than a file refused.
    return io.TextIOWrapper(io.BufferedReader(_Unclosed(file), CHUNK_BYTES), encoding, errors="replace", newline="")


class _Unclosed(io.RawIOBase):
    """A file that several readers go through one after the other: none of them closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # any writable buffer
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _readable(reader: Iterator[list[str]]) -> Iterator[list[str] | csv.Error | _RowTooLongError]:
    """Yield each row, or why it cannot be read."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except (csv.Error, _RowTooLongError) as error:
            yield error


def _is_utf8(file: IO[bytes]) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell that is too long, which another delimiter may cut
        return []


def _row(line: int, keys: Sequence[str], cells: Sequence[str]) -> Row | FeedError:
    if any(cell.strip() for cell in cells[len(keys) :]):
        message = f"This row has {len(cells)} cells, and there are {len(keys)} columns. Put texts into quotation marks."
        return FeedError(line, message)
    if any("\0" in cell for cell in cells):
        return FeedError(line, "A cell holds a null character.")
    found: dict[str, str] = {}
    for key, cell in zip(keys, cells, strict=False):
        if key and not found.get(key):
            found[key] = cell.strip()
    return Row(line, found)
