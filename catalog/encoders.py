"""Which encoder serves, as the database says, and the encoders that this process has loaded.

A switch is a change of rows. Every process reads them anew each LIFETIME seconds, loads an encoder that is being filled
in before it serves, and goes on with the one it has until the new one is loaded. Whoever works with an encoder asks
once and passes it along, so that nothing is seen by one encoder and compared with the vectors of another.
"""

import logging
import threading
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog import locks
from catalog.models import Encoder as EncoderRow
from catalog.vision.encoder import Encoder, EncoderError, load_encoder

logger = logging.getLogger(__name__)

# Seconds after which the rows are read again: no process takes longer to learn of a switch.
LIFETIME = 2.0
# A watched process reads them before a request has to.
WATCH = 1.0
# A process that has not loaded the new encoder yet goes on with the old one for so long. Later the old vectors may be
# gone, and products that were indexed meanwhile have none.
GRACE = timedelta(minutes=1)
# Seconds until an encoder that could not be loaded behind the requests is tried again.
RETRY = 10.0

State = EncoderRow.State


class LostEncoderError(EncoderError):
    """The encoder that serves cannot be loaded here; `remedy` says what to do."""

    def __init__(self, row: EncoderRow, error: EncoderError) -> None:
        other = "NAME" if _is_named_by_setting(row) else settings.ENCODER
        self.remedy = (
            f"The encoder that serves, {row.name}, cannot be loaded. Put its bundle back into ENCODER_DIR, "
            f"or switch to another encoder: manage.py reindex --encoder {other}"
        )
        super().__init__(f"{self.remedy} ({error})")


def active_encoder() -> Encoder:
    """Return the encoder that serves. Raises EncoderError when it cannot be loaded."""
    return _process.serving()


def filled_encoder() -> Encoder | None:
    """Return the encoder that is filled in beside the one that serves, if there is one. Raises EncoderError."""
    return _process.filling()


def encoder_of(row: EncoderRow) -> Encoder:
    """Return the encoder whose vectors refer to a row. Raises EncoderError when it cannot be loaded."""
    return _process.load(row)


def encoder_row(encoder: Encoder) -> EncoderRow:
    """Return the row that this encoder's vectors refer to."""
    return _process.rows().get(encoder.name) or EncoderRow.objects.get(name=encoder.name)


def load_named_encoder(name: str | None) -> Encoder:
    """Return an encoder by its name, any by its bundle's path, or the active one. Raises EncoderError."""
    if name is None:
        return active_encoder()
    return load_encoder(_folder(bundle_of(name)), threads=settings.ENCODER_THREADS)


def bundle_of(name: str) -> str:
    """Return where the bundle of a known encoder is; another name is that of a bundle itself."""
    row = EncoderRow.objects.filter(name=name).exclude(bundle="").first()
    return row.bundle if row else name


def register_encoder(encoder: Encoder, *, bundle: str) -> EncoderRow:
    """Return the row of an encoder; it is created on standby, and remembers where the bundle is."""
    row, _ = EncoderRow.objects.update_or_create(
        name=encoder.name,
        defaults={"bundle": bundle},
        create_defaults={"bundle": bundle, "dimensions": encoder.dimensions},
    )
    return row


def serving_row() -> EncoderRow | None:
    """Return the row of the encoder that serves, or None in a new installation."""
    return EncoderRow.objects.filter(state=State.SERVING).first()


@transaction.atomic
def fill_in(row: EncoderRow) -> None:
    """Have every process load an encoder and embed new pictures with it too: this one beside the one that serves."""
    _change(EncoderRow.objects.filter(state=State.FILLING).exclude(pk=row.pk), State.STANDBY)
    _change(EncoderRow.objects.filter(pk=row.pk, state=State.STANDBY), State.FILLING)


@transaction.atomic
def serve_with(row: EncoderRow) -> None:
    """Make this encoder the one that serves; the one that has served stands by."""
    _change(EncoderRow.objects.filter(state=State.SERVING).exclude(pk=row.pk), State.STANDBY)
    _change(EncoderRow.objects.filter(pk=row.pk).exclude(state=State.SERVING), State.SERVING)


def forget() -> None:
    """Read the rows anew when they are next needed, whatever their age."""
    _process.forget()


def setting_note() -> str:
    """Return what to say of an ENCODER that does not name the encoder that serves, or an empty text."""
    row = _process.row_in(State.SERVING)
    if row is None or _is_named_by_setting(row):
        return ""
    return (
        f"ENCODER names {settings.ENCODER}, but {row.name} serves: ENCODER is what a new installation begins with. "
        f"Switch with `manage.py reindex --encoder {settings.ENCODER}`, or set ENCODER to {row.name}."
    )


def start_serving() -> "Watcher":
    """Load the encoder as a web process starts, and watch for the next one. Raises EncoderError when ENCODER is wrong.

    Without its bundle, or without the database, the process starts all the same: it can say what it lacks, and goes on
    when that is mended.
    """
    try:
        active_encoder()
        if note := setting_note():
            logger.warning(note)
    except LostEncoderError as error:
        logger.error(str(error))
    except OperationalError as error:
        logger.warning("no encoder is loaded yet: the database cannot be reached", extra={"error": str(error)})
    finally:
        connection.close()
    watcher = Watcher()
    watcher.start()
    return watcher


class Watcher(threading.Thread):
    """Learns of a switch, and loads the new encoder, before a shopper would have to wait for either."""

    def __init__(self) -> None:
        super().__init__(name="encoders", daemon=True)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(WATCH):
            try:
                _process.refresh()
            except DatabaseError as error:
                logger.warning("cannot read which encoder serves", extra={"error": str(error)})
            finally:
                connection.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join()


class _Process:
    """What this process knows of the rows, and the encoders that it has loaded."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: dict[Path, Encoder] = {}
        self._tried_at: dict[Path, float] = {}
        self.forget()

    def forget(self) -> None:
        self._rows: Mapping[str, EncoderRow] = {}
        self._read_at = float("-inf")
        self._answering: Encoder | None = None

    def serving(self) -> Encoder:
        row = self.row_in(State.SERVING) or self._begin()
        encoder = self._find_loaded(row)
        if encoder is None and self._answering is not None and timezone.now() < row.state_since + GRACE:
            return self._answering
        if encoder is None:
            encoder = self._load_serving(row)
        self._answering = encoder
        return encoder

    def filling(self) -> Encoder | None:
        row = self.row_in(State.FILLING)
        return self.load(row) if row else None

    def row_in(self, state: str) -> EncoderRow | None:
        return next((row for row in self.rows().values() if row.state == state), None)

    def rows(self) -> Mapping[str, EncoderRow]:
        """Return all rows by name, read at most LIFETIME seconds ago."""
        if self._is_stale():
            with self._reading:
                if self._is_stale():
                    self._read()
        return self._rows

    def refresh(self) -> None:
        """Read the rows now, however new those are that are known."""
        with self._reading:
            self._read()

    def load(self, row: EncoderRow) -> Encoder:
        """Return the encoder of a row, loaded now if it has not been. Raises EncoderError."""
        folder = _folder(row.bundle)
        with self._loading:
            encoder = self._find_loaded(row) or load_encoder(folder, threads=settings.ENCODER_THREADS)
            if encoder.name != row.name:
                raise EncoderError(f"{folder} holds the encoder {encoder.name}, not {row.name}.")
            self._loaded[folder] = encoder
            return encoder

    def _is_stale(self) -> bool:
        return time.monotonic() - self._read_at > LIFETIME

    def _read(self) -> None:
        self._rows = {row.name: row for row in EncoderRow.objects.all()}
        self._read_at = time.monotonic()
        in_use = {_folder(row.bundle): row for row in self._rows.values() if row.state != State.STANDBY}
        if in_use and self._answering is not None:
            for folder, row in in_use.items():
                self._load_behind(folder, row)
            self._unload_all_but(in_use)

    def _begin(self) -> EncoderRow:
        """Let the encoder that ENCODER names serve, unless another process was quicker; return the one that serves."""
        folder = _folder(settings.ENCODER)
        encoder = self._loaded.get(folder) or load_encoder(folder, threads=settings.ENCODER_THREADS)
        with transaction.atomic():
            locks.take_until_commit(locks.SWITCH)
            if (row := serving_row()) is None:
                row = register_encoder(encoder, bundle=settings.ENCODER)
                serve_with(row)
        self._loaded[folder] = encoder
        self.forget()
        return row

    def _find_loaded(self, row: EncoderRow) -> Encoder | None:
        encoder = self._loaded.get(_folder(row.bundle))
        return encoder if encoder is not None and encoder.name == row.name else None

    def _load_serving(self, row: EncoderRow) -> Encoder:
        try:
            return self.load(row)
        except EncoderError as error:
            raise LostEncoderError(row, error) from error

    def _load_behind(self, folder: Path, row: EncoderRow) -> None:
        """Begin to load an encoder in a thread of its own, unless it is loaded or was tried a moment ago."""
        now = time.monotonic()
        if folder not in self._loaded and now - self._tried_at.get(folder, float("-inf")) > RETRY:
            self._tried_at[folder] = now
            threading.Thread(target=self._load_or_log, args=(row,), name=f"load {row.name}", daemon=True).start()

    def _unload_all_but(self, in_use: Collection[Path]) -> None:
        for folder, encoder in list(self._loaded.items()):
            if folder not in in_use and encoder is not self._answering:
                self._loaded.pop(folder, None)

    def _load_or_log(self, row: EncoderRow) -> None:
        try:
            self.load(row)
        except EncoderError as error:
            logger.error("encoder cannot be loaded", extra={"encoder": row.name, "error": str(error)})


def _change(rows: QuerySet[EncoderRow], state: str) -> None:
    rows.update(state=state, state_since=timezone.now())


def _is_named_by_setting(row: EncoderRow) -> bool:
    return settings.ENCODER in (row.name, row.bundle)


def _folder(bundle: str) -> Path:
    folder: Path = settings.ENCODER_DIR / bundle
    return folder


_process = _Process()
