"""Bundles that are compiled in this process, and which of them goes with a tenant's snapshot.

Nothing here has to be told of a change: a snapshot names the generation of the catalogue that it was read at, and for
each of those it is written which bundle goes with it. So whoever reads the snapshot anew has the bundle of now. What is
about to be put in force is announced, and compiled before it is, so that nobody waits for that.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from itertools import accumulate
from typing import Final

import structlog
from django.db import connection, connections
from msgspec import Struct

from decisions.errors import FactsUnavailable
from decisions.policy.loading import load_bundle, stage_at
from decisions.policy.stage import Mode, Stage
from licensing import api as licensing
from tiergate.policy import Bundle

CAPACITY: Final = 8
"""Bundles that a process keeps beside what is in force and a candidate, to go back to."""

MAX_KEPT_RULES: Final = 10_000
"""Rules that those have between them: each takes some ten kilobytes."""

STAGES: Final = 64
RETRY_SECONDS: Final = 1.0
"""A bundle that could not be loaded is tried again after so long: compiling takes time that requests need."""

BUNDLE: Final = "bundle"
"""The kind under which a bundle is announced before it is in force."""

log = structlog.get_logger(__name__)


class InForce(Struct, frozen=True, kw_only=True):
    """The rules that decisions about a tenant are made by, and those that are only tried beside; None: there are none."""

    bundle: Bundle | None = None
    shadow: Bundle | None = None


NO_RULES: Final = InForce()


class _Memory:
    """What one process has read and compiled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiling = threading.Lock()
        self._bundles: dict[str, Bundle] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._needed: tuple[str | None, ...] = ()
        self._stages: dict[int, Stage] = {}
        self._ahead: list[threading.Thread] = []
        self.is_deciding = False
        # What was asked for last: the generation, and what goes with it for every tenant.
        self.last: tuple[int, InForce] | None = None

    def find(self, snapshot: licensing.TenantSnapshot) -> InForce:
        generation = snapshot.catalogue_generation
        stage = self._stages.get(generation) or self._stage(generation)
        tenant_id = snapshot.tenant.id
        found = InForce(bundle=self._bundle(stage.in_force(tenant_id)), shadow=self._shadow(stage.shadowed(tenant_id)))
        if stage.mode == Mode.NONE:
            self.last = generation, found
        return found

    def load_all(self, generation: int) -> None:
        """Load whatever may be asked at a generation, for whichever tenant.

        :raises FactsUnavailable: one cannot be loaded.
        """
        self.is_deciding = True
        stage = self._stages.get(generation) or self._stage(generation)
        self._bundle(stage.active)
        self._shadow(stage.candidate) if stage.mode == Mode.SHADOW else self._bundle(stage.candidate)

    def _stage(self, generation: int) -> Stage:
        stage = stage_at(generation)
        # Within a transaction a step may be seen that is not committed yet. Its generation never comes again otherwise.
        with self._lock:
            self.is_deciding = True
            if len(self._stages) >= STAGES:
                self._stages.clear()
            self._stages[generation] = stage
            # What was in force until now is what is gone back to first: it is forgotten last.
            for digest in (*self._needed, stage.candidate, stage.active):
                if digest in self._bundles:
                    self._bundles[digest] = self._bundles.pop(digest)
            self._needed = stage.candidate, stage.active
            self._forget_spare()
        return stage

    def _bundle(self, digest: str | None) -> Bundle | None:
        if digest is None:
            return None
        return self._bundles.get(digest) or self.load(digest)

    def _shadow(self, digest: str | None) -> Bundle | None:
        try:
            return self._bundle(digest)
        except FactsUnavailable:
            # Its word does not count, so what is asked stays known without it; it was logged as it failed.
            return None

    def load(self, digest: str) -> Bundle:
        """Give a bundle, compiled once however many threads ask for it.

        :raises FactsUnavailable: it cannot be loaded.
        """
        # Whoever compiles does not wait for a connection that those have who wait for the bundle.
        connection.ensure_connection()
        with self._compiling:
            found = self._bundles.get(digest)
            if found is not None:
                return found
            failed = self._failed.get(digest)
            if failed is not None and time.monotonic() - failed[0] < RETRY_SECONDS:
                raise FactsUnavailable(failed[1], retry_after=1)
            try:
                bundle = load_bundle(digest)
            except FactsUnavailable as error:
                self._failed[digest] = time.monotonic(), error.detail
                log.exception("policy_not_loaded", bundle=digest, reason=error.detail, exc_info=error.__cause__)
                raise
            self.keep(bundle)
            return bundle

    def keep(self, bundle: Bundle) -> None:
        with self._lock:
            self._failed.pop(bundle.digest, None)
            self._bundles.pop(bundle.digest, None)
            self._bundles[bundle.digest] = bundle
            self._forget_spare(but=bundle)

    def _forget_spare(self, *, but: Bundle | None = None) -> None:
        spare = [one for one in reversed(self._bundles.values()) if one.digest not in self._needed and one is not but]
        rules = accumulate(len(one.rules) for one in spare)
        for number, (one, so_far) in enumerate(zip(spare, rules, strict=True)):
            if number >= CAPACITY or so_far > MAX_KEPT_RULES:
                del self._bundles[one.digest]

    def hear(self, kind: str, _key: str) -> None:
        if kind == licensing.RESET:
            # After a failover a generation that was lost may come again with another stage.
            self.forget_stages()

    def prepare(self, digest: str, done: Callable[[], None]) -> None:
        """Load beside the requests what is about to be in force, so that none waits for it at the switch."""
        if digest in self._bundles or not self.is_deciding:
            # A process that decides nothing, such as a command, needs none.
            done()
            return
        thread = threading.Thread(
            target=_quietly, args=(lambda: self.load(digest), done), name="tiergate-bundle", daemon=True
        )
        with self._lock:
            self._ahead = [*(one for one in self._ahead if one.is_alive()), thread]
        thread.start()

    def wait(self) -> None:
        for one in self._ahead:
            one.join()

    def forget_stages(self) -> None:
        with self._lock:
            self.last = None
            self._stages.clear()

    def clear(self) -> None:
        self.forget_stages()
        with self._lock:
            self._bundles = {}
            self._failed = {}
            self.is_deciding = False


def _quietly(load: Callable[[], object], done: Callable[[], None]) -> None:
    try:
        load()
    except Exception as error:  # noqa: BLE001 - whoever needs the bundle meets it again, and refuses
        log.warning("policy_not_ahead", error=type(error).__name__)
    finally:
        connections.close_all()
        done()


_memory = _Memory()
licensing.subscribe(_memory.hear)
licensing.heed(BUNDLE, _memory.prepare)


def policy_for(snapshot: licensing.TenantSnapshot) -> InForce:
    """Give the bundles that go with a tenant's snapshot, and no newer or older ones.

    :raises FactsUnavailable: a bundle that is in force cannot be loaded; what it asks is unknown, which is not nothing.
    :raises django.db.DatabaseError: it cannot be read.
    """
    last = _memory.last
    if last is not None and last[0] == snapshot.catalogue_generation:
        return last[1]
    return _memory.find(snapshot)


def load_policy_in_force(*, at: datetime) -> None:
    """Load what may be asked at ``at``, before anybody asks; from then on what is announced is loaded ahead.

    :raises FactsUnavailable: a bundle that is in force cannot be loaded.
    :raises django.db.DatabaseError: it cannot be read.
    """
    vendors = licensing.get_snapshot(tenant_id=licensing.VENDOR_TENANT_ID, at=at)
    _memory.load_all(vendors.catalogue_generation)
    licensing.is_listening()


def bundle_of(digest: str) -> Bundle:
    """Give a stored bundle, compiled.

    :raises FactsUnavailable: it cannot be loaded.
    """
    return _memory.load(digest)


def keep_bundle(bundle: Bundle) -> None:
    """Remember a bundle that was compiled here and may be in force soon, by the digest of what it says."""
    _memory.keep(bundle)


def wait_for_bundles() -> None:
    """Wait until all that is being loaded ahead is, or cannot be."""
    _memory.wait()


def forget_bundles() -> None:
    """Forget everything that this process remembers."""
    _memory.clear()
