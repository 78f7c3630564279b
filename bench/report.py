"""The figures of a run as Markdown, to be read in a terminal as well as in `docs/benchmarks.md`."""

from collections.abc import Sequence
from dataclasses import astuple
from textwrap import fill

from bench.benchmark import CareSpeed, CatalogueSpeed, Results
from bench.comparison import Loop
from bench.encoder_alone import EncoderSpeed
from bench.indexing import IndexingSpeed, IndexingStages, share_of_encoder
from bench.machine import Machine
from bench.markdown import Cells, table
from bench.modes import PAGE
from bench.processes import Memory
from bench.searching import CLIENTS, SearchSpeed

WIDTH = 110
FIGURES = ("p50", "p95", "p99")


def write_report(results: Results) -> str:
    """Return all figures of a run."""
    return "\n\n".join(
        [
            _machine(results.machine),
            _indexing(results.indexing, results.encoder, results.stages),
            _care(results.care),
            *(_catalogue(catalogue) for catalogue in results.catalogues),
            _memory(results.memory),
            _comparison(results),
        ]
    )


def _machine(machine: Machine) -> str:
    return _wrapped(
        f"Measured on {machine.cores} cores of {machine.processor} with {machine.memory:.0f} GB of memory, "
        "which client, servers and the pictures' host share; "
        f"load average at the start {machine.load:.2f}. "
        f"Python {machine.python}, PostgreSQL {machine.postgres}, pgvector {machine.pgvector}, "
        f"encoder {machine.encoder} ({machine.dimensions} dimensions)."
    )


def _indexing(speed: IndexingSpeed, encoder: EncoderSpeed, stages: IndexingStages) -> str:
    whole = sum(stages.milliseconds.values())
    rows = [(name, f"{spent:.1f}", f"{spent / whole:.0%}") for name, spent in stages.milliseconds.items()]
    return _section(
        "Indexing",
        f"{speed.pictures:,} pictures of 800 x 800 pixels as one bulk job, by a worker with two processes: "
        f"{speed.seconds:.1f} s, **{speed.per_second:.1f} pictures a second**. The encoder alone, in as many processes "
        f"and at its best batch size, embeds {encoder.best:.1f} a second: indexing has "
        f"{share_of_encoder(speed, encoder):.2f} of its speed.\n\n"
        f"Where the time of a picture goes, one by one in one process (mean of {stages.pictures}; `database` "
        "is all the rest, most of it PostgreSQL):",
        table(("stage", "ms", "share"), [*rows, ("all", f"{whole:.1f}", "100%")]),
    )


def _care(care: CareSpeed) -> str:
    patching, webhooks = care.patching, care.webhooks
    return _section(
        "Keeping a catalogue",
        f"New prices and stock for {patching.products:,} products in one request: {patching.seconds:.1f} s, "
        f"**{patching.per_second:,.0f} products a second**. {webhooks.deliveries:,} webhooks to {webhooks.endpoints} "
        f"endpoints on loopback: {webhooks.seconds:.1f} s, **{webhooks.per_second:,.0f} a second**, of which "
        f"{webhooks.repeated} came twice.\n\n"
        "Scans for near-duplicates, as a job of a worker with two processes, and how many of the pairs that were put "
        "there it found:",
        table(
            ("products", "s", "steps", "pairs found"),
            [
                (f"{scan.rows:,}", f"{scan.seconds:.1f}", str(scan.steps), f"{scan.found} of {scan.planted}")
                for scan in care.scans
            ],
        ),
    )


def _catalogue(catalogue: CatalogueSpeed) -> str:
    recall = ", ".join(f"{share:.3f} by {kind}" for kind, share in catalogue.recall.items())
    title = f"Search over {catalogue.rows:,} rows"
    whole = _section(
        title,
        f"{catalogue.searches[0].requests} searches of each mode, {_how_compared(catalogue)}; "
        f"recall@{PAGE} against numpy {recall}. Milliseconds: `server` is the answer's `query_time_ms`, the others are "
        f"seen over HTTP by one client and by each of {CLIENTS} at once, who get so many answers a second.",
        _speeds(catalogue.searches),
    )
    filtered = _section(
        f"{title}, filtered",
        "The same, each search with one of six filters on columns and metadata in turns.",
        _speeds(catalogue.filtered),
    )
    steps = _section(
        f"{title}, step by step",
        "Means of one client. `fetch` includes cropping; `request` is what lies around the steps (HTTP, token, JSON).",
        _steps(catalogue.searches),
    )
    return "\n\n".join([whole, *([filtered] if catalogue.filtered else []), steps])


def _how_compared(catalogue: CatalogueSpeed) -> str:
    if catalogue.index is None:
        return "compared with every row"
    megabytes, seconds = catalogue.index.megabytes, catalogue.index.seconds
    return f"by an HNSW index of {megabytes:.0f} MB, built in {seconds:.0f} s"


def _speeds(searches: Sequence[SearchSpeed]) -> str:
    columns = [f"{who} {figure}" for who in ("server", "1 client", f"{CLIENTS} clients") for figure in FIGURES]
    return table(("mode", *columns, "a second"), [_speed(search) for search in searches])


def _speed(search: SearchSpeed) -> Cells:
    spreads = (search.server, search.alone, search.crowded)
    return (search.mode, *(f"{spent:.1f}" for one in spreads for spent in astuple(one)), f"{search.per_second:.0f}")


def _steps(searches: Sequence[SearchSpeed]) -> str:
    return table(
        ("mode", *searches[0].steps, "database share"),
        [
            (search.mode, *(f"{spent:.1f}" for spent in search.steps.values()), f"{search.database_share:.0%}")
            for search in searches
        ],
    )


def _memory(memory: Sequence[Memory]) -> str:
    rows = [(kind.name, str(kind.processes), f"{kind.resident:.0f}", f"{kind.proportional:.0f}") for kind in memory]
    return _section(
        "Memory",
        "Megabytes after all that. What processes share counts in the RSS of each; the PSS divides it between them.",
        table(
            ("processes", "number", "RSS of the largest", "PSS of all"),
            [*rows, ("all", "", "", f"{_total(memory):.0f}")],
        ),
    )


def _comparison(results: Results) -> str:
    plain, *_, own = results.loops
    systems = [*map(_measures_of_loop, results.loops), _measures_of_service(results)]
    return _section(
        "Beside a plain open_clip loop",
        "The loop opens and embeds one thing after the other and compares it with all rows in numpy, in one "
        "process, without HTTP, database or anything else that a shop needs. Its ViT-B-32 has random "
        "weights, which are as fast as trained ones. The models differ in size: ViT-B-32 is "
        f"{plain.model:.0f} MB, {results.machine.encoder} {own.model:.0f} MB; only the second column runs "
        "the very same model. The last column is the whole service, as above. Memory is what the loops hold "
        "before they load any rows, and all of the service's. In brackets: how many times the first column.",
        table(
            ("", *(loop.name for loop in results.loops), "the service"),
            [_compared(measure, [system[measure] for system in systems]) for measure in systems[0]],
        ),
    )


def _measures_of_loop(loop: Loop) -> dict[str, float]:
    searches = {
        _search_of(mode, rows): embedding + comparing
        for rows, comparing in loop.comparing.items()
        for mode, embedding in (("picture", loop.picture), ("text", loop.text))
    }
    return {"pictures a second": 1000 / loop.picture, **searches, "memory, MB": loop.resident}


def _measures_of_service(results: Results) -> dict[str, float]:
    searches = {
        _search_of(mode, catalogue.rows): _median_of(catalogue, search)
        for catalogue in results.catalogues
        for mode, search in (("picture", "upload"), ("text", "text"))
    }
    return {
        "pictures a second": results.indexing.per_second,
        **searches,
        "memory, MB": _total(results.memory),
    }


def _search_of(mode: str, rows: int) -> str:
    return f"search by {mode}, {rows:,} rows, ms"


def _median_of(catalogue: CatalogueSpeed, mode: str) -> float:
    return next(search.alone.p50 for search in catalogue.searches if search.mode == mode)


def _compared(measure: str, values: Sequence[float]) -> Cells:
    plain, *others = values
    return (measure, f"{plain:.1f}", *(f"{value:.1f} ({value / plain:.2f})" for value in others))


def _total(memory: Sequence[Memory]) -> float:
    return sum(kind.proportional for kind in memory)


def _section(title: str, text: str, figures: str) -> str:
    return f"## {title}\n\n{_wrapped(text)}\n\n{figures}"


def _wrapped(text: str) -> str:
    return "\n\n".join(fill(paragraph, WIDTH) for paragraph in text.split("\n\n"))
