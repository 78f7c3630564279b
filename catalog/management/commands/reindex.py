"""`manage.py reindex`: vectors of an encoder for every picture that has none yet, and the switch to that encoder."""

import time
from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Tenant
from catalog import encoders, locks, models
from catalog.encoder_heads import heads_of
from catalog.models import ProductImage
from catalog.reindexing import embed_pictures, pictures_without_vector, switch_if_complete
from catalog.relevance import calibrate_grown_catalogues
from catalog.vector_index import build_indexes, count_missing_indexes
from catalog.vision.encoder import Encoder, EncoderError

# From the first word of a new encoder to the switch: in this time every process learns of it, and most load it.
NOTICE_SECONDS = 5.0
# What a shell makes of Ctrl-C.
INTERRUPTED = 130


@dataclass(frozen=True)
class Plan:
    """What a run is to do; `client_id` stands for one tenant, None for all."""

    encoder: Encoder
    bundle: str
    client_id: str | None
    switches: bool
    skips_unreadable: bool


class Command(BaseCommand):
    help = (
        "Embed every stored picture that has no vector of an encoder yet, beside the vectors it has, then let that "
        "encoder serve. Searches go on all the while. Interrupt it and start it again as you like: it goes on where it "
        "stopped. Switch back in the same way, with the name of the old encoder."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--encoder",
            metavar="NAME",
            help="a bundle in ENCODER_DIR, its path, or an encoder's name; the one that serves if left out",
        )
        parser.add_argument("--no-switch", action="store_true", help="only fill in, and go on with the old encoder")
        parser.add_argument("--tenant", metavar="CLIENT_ID", help="only this tenant's pictures; never switches")
        parser.add_argument(
            "--skip-unreadable",
            action="store_true",
            help="switch although stored pictures are gone; their products are found by their other pictures only",
        )
        parser.add_argument("--dry-run", action="store_true", help="only tell what there is to do")

    def handle(
        self,
        *,
        encoder: str | None,
        tenant: str | None,
        no_switch: bool,
        skip_unreadable: bool,
        dry_run: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        if tenant and not Tenant.objects.filter(client_id=tenant).exists():
            raise CommandError(f"There is no tenant with the client id {tenant}.")
        self.is_quiet = verbosity == 0
        try:
            chosen = encoders.load_named_encoder(encoder)
        except EncoderError as error:
            raise CommandError(str(error)) from error
        plan = Plan(
            encoder=chosen,
            bundle=encoders.bundle_of(encoder or chosen.name),
            client_id=tenant,
            switches=bool(encoder) and not (no_switch or tenant),
            skips_unreadable=skip_unreadable,
        )
        if dry_run:
            self._tell(plan)
            return
        try:
            self._run(plan)
        except KeyboardInterrupt as interrupt:
            message = "Interrupted. The same command goes on from here; searches use the encoder that they have used."
            raise CommandError(message, returncode=INTERRUPTED) from interrupt

    def _tell(self, plan: Plan) -> None:
        name = plan.encoder.name
        total = pictures_without_vector(name, client_id=plan.client_id).count()
        self.stdout.write(f"{total} pictures have no vector of {name}.")
        serving = encoders.serving_row()
        if plan.switches and serving is not None and serving.name != name:
            self.stdout.write(f"When they have, {name} would serve in place of {serving}.")

    def _run(self, plan: Plan) -> None:
        row = encoders.register_encoder(plan.encoder, bundle=plan.bundle)
        if not plan.switches:
            self._require_all(self._fill(plan, row), plan)
            self._say_that_the_old_one_serves(row, plan)
            return
        with locks.tried(locks.REINDEX) as is_ours:
            if not is_ours:
                raise CommandError("Another run fills in or drops an encoder at the moment. Wait for its end.")
            self._fill_and_switch(plan, row)

    def _fill_and_switch(self, plan: Plan, row: models.Encoder) -> None:
        before = encoders.serving_row()
        encoders.fill_in(row)
        announced_at = time.monotonic()
        unreadable = self._fill(plan, row)
        self._require_all(unreadable, plan)
        self._build_indexes(row)
        self._calibrate(plan.encoder)
        if before is not None and before != row:
            time.sleep(max(0.0, announced_at + NOTICE_SECONDS - time.monotonic()))
        while not switch_if_complete(row, without=unreadable):
            unreadable += self._fill(plan, row, without=unreadable)
            self._require_all(unreadable, plan)
        if before is None or before == row:
            self.stdout.write(f"{row} serves.")
        else:
            self.stdout.write(f"{row} serves now. To switch back: manage.py reindex --encoder {before}")

    def _fill(self, plan: Plan, row: models.Encoder, *, without: Collection[ProductImage] = ()) -> list[ProductImage]:
        """Embed what is missing; return the pictures whose stored file is gone, each named."""
        missing = pictures_without_vector(row.name, client_id=plan.client_id)
        missing = missing.exclude(pk__in=[image.pk for image in without])
        total = missing.count()
        with tqdm(total=total, unit=" pictures", disable=self.is_quiet) as progress:
            unreadable = embed_pictures(missing, plan.encoder, row, on_progress=progress.update)
        for image in unreadable:
            self.stderr.write(
                f"{image.product.product_id}: its stored picture is gone; delete the product and send it again."
            )
        self.stdout.write(f"{total - len(unreadable)} pictures embedded with {row}.")
        return unreadable

    def _require_all(self, unreadable: Sequence[ProductImage], plan: Plan) -> None:
        if not unreadable or plan.skips_unreadable:
            return
        message = f"{len(unreadable)} pictures could not be read."
        if plan.switches:
            message += " Their products would not be found by them any more; --skip-unreadable switches all the same."
        raise CommandError(message)

    def _build_indexes(self, row: models.Encoder) -> None:
        """Give large tenants their index beforehand: without it their searches would be slow at first."""
        missing = count_missing_indexes(row)
        with tqdm(total=missing, unit=" vector indexes", disable=self.is_quiet or not missing) as progress:
            for _ in build_indexes(row):
                progress.update()

    def _calibrate(self, encoder: Encoder) -> None:
        """Learn beforehand what the encoder's scores are worth: a shopper would wait for it."""
        heads_of(encoder)
        with tqdm(unit=" catalogues", desc="calibrated", disable=self.is_quiet) as progress:
            while tenants := calibrate_grown_catalogues(encoder):
                progress.update(len(tenants))

    def _say_that_the_old_one_serves(self, row: models.Encoder, plan: Plan) -> None:
        serving = encoders.serving_row()
        if serving is None or serving == row:
            return
        reason = "a run for one tenant never switches" if plan.client_id else "as --no-switch says"
        self.stdout.write(f"Searches go on with {serving}: {reason}.")
