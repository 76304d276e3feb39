"""`manage.py audit verify|seal|partitions|export|new-key|public-key`: the trail, provably."""

import base64
import secrets
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.errors import CannotSeal, NotSealed
from audit.exporting import export_lines
from audit.partitions import make_parts
from audit.seal_keys import as_pem, believed_keys
from audit.sealing import Sealed
from audit.sealing_run import seal_all
from audit.verification import verify
from isolation.clock import now


class Command(BaseCommand):
    """The trail's tree, from the command line."""

    help = "Seal the trail, verify it, export it for verification elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the verbs; a room above may add to them."""
        self.verbs = verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("verify", help="say whether everything stands as it was sealed; exit code 1 if not")
        check.add_argument("--tenant", help="the entries of this tenant alone")
        check.add_argument("--copies", type=Path, help="the copies of checkpoints; TIERGATE_SEAL_DIR unless said")
        verbs.add_parser("seal", help="seal what waits now")
        verbs.add_parser("partitions", help="make the tables of the coming months")
        out = verbs.add_parser("export", help="write entries and proofs as JSON lines, for audit/verifier.py")
        out.add_argument("--tenant", help="the entries of this tenant alone")
        out.add_argument("--since-checkpoint", type=int, help="prove that its tree was only added to since")
        out.add_argument("--output", type=Path, help="a file; standard output unless said")
        verbs.add_parser("new-key", help="make a key for TIERGATE_SEAL_KEY, and its public key")
        verbs.add_parser("public-key", help="write the public keys that are believed, as PEM")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one verb.

        :raises CommandError: in a sentence, when it cannot be done.
        """
        verb = str(options["verb"]).replace("-", "_")
        try:
            getattr(self, f"_{verb}")(options)
        except (CannotSeal, NotSealed, OSError) as error:
            raise CommandError(str(error)) from error

    def _verify(self, options: dict[str, Any]) -> None:
        named: Path | None = options["copies"]
        if named is not None and not named.is_dir():
            raise CommandError(f"{named} is no directory.")
        copies = named or settings.SEAL_DIR
        report = verify(at=now(), copies=copies, progress=self._progress, tenant_id=self._tenant(options))
        for sentence in (*report.findings, *report.remarks):
            self.stdout.write(sentence)
        if not report.is_true:
            raise CommandError(f"{report.count} findings in {report.sealed} sealed entries.", returncode=1)
        self.stdout.write(f"All {report.sealed} sealed entries stand as they were sealed.")

    def _seal(self, _options: dict[str, Any]) -> None:
        def say(done: Sealed) -> None:
            self.stderr.write(f"Checkpoint {done.number}: {done.count} entries, {done.size} in all.")

        done = seal_all(at=now(), copies=settings.SEAL_DIR, progress=say)
        self.stdout.write(f"{done.sealed} entries sealed, {done.copied} checkpoints copied.")

    def _partitions(self, _options: dict[str, Any]) -> None:
        for month, what in make_parts(at=now()).items():
            self.stdout.write(f"{month}: {what}")

    def _export(self, options: dict[str, Any]) -> None:
        lines = export_lines(
            at=now(), tenant_id=self._tenant(options), older=options["since_checkpoint"], progress=self._progress
        )
        if options["output"] is None:
            for line in lines:
                self.stdout.write(line)
            return
        with options["output"].open("x", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def _new_key(self, _options: dict[str, Any]) -> None:
        seed = secrets.token_bytes(32)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        self.stdout.write(f"TIERGATE_SEAL_KEY={base64.b64encode(seed).decode()}")
        self.stdout.write(f"TIERGATE_SEAL_PUBLIC_KEYS={base64.b64encode(public.public_bytes_raw()).decode()}")
        self.stdout.write(as_pem(public))

    def _public_key(self, _options: dict[str, Any]) -> None:
        for fingerprint, key in believed_keys().items():
            self.stdout.write(f"# {fingerprint}\n{as_pem(key)}")

    def read_tenant(self, text: str) -> UUID:
        """Read which tenant is meant: this room knows them by id alone. :raises CommandError: that is none."""
        try:
            return UUID(text)
        except ValueError as error:
            raise CommandError(f"{text!r} is no tenant's id.") from error

    def _tenant(self, options: dict[str, Any]) -> UUID | None:
        return None if options["tenant"] is None else self.read_tenant(options["tenant"])

    def _progress(self, done: int, every: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {every}", ending="")
