"""What a candidate would have done to the recorded decisions of a window: read page by page, and counted."""

from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

from decisions.policy.activating import list_binding
from decisions.policy.collecting import collecting_seldom
from decisions.policy.memory import bundle_of
from decisions.policy.proving import given_up_by, waivers_of, word_of
from decisions.policy.recorded import Page, Unreadable, fields_read, walk
from decisions.policy.replaying import doubt_of
from tiergate.policy import Bundle
from tiergate.policy.impact import Gone, Impact, Report

type Progress = Callable[[int], None]


class Measure:
    """Counts page after page under two bundles. impact: what is counted so far, be it by another process."""

    def __init__(self, *, base: Bundle | None, candidate: Bundle | None, impact: Impact | None = None) -> None:
        self._base = base
        self._candidate = candidate
        self._read = fields_read(base) | fields_read(candidate)
        self.impact = impact or Impact()
        self.done = 0

    def take(self, page: Page) -> None:
        """Count a page."""
        for one in page.found:
            if isinstance(one, Unreadable):
                self.impact.leave_out(one.reason, one.id)
                continue
            doubt = doubt_of(one, self._read)
            self.impact.add(one.recorded, base=self._base, candidate=self._candidate, doubt=doubt)
        self.done += len(page.found)


def measure(
    *,
    base: Bundle | None,
    candidate: Bundle | None,
    since: datetime,
    until: datetime,
    tenant_id: UUID | None = None,
    progress: Progress | None = None,
) -> Report:
    """Say what a candidate in the place of ``base`` would have done from ``since`` on and before ``until``.

    :raises FactsUnavailable: this process may not look through all tenants.
    """
    counting = Measure(base=base, candidate=candidate)
    with collecting_seldom() as collect:
        for page in walk(since=since, until=until, tenant_id=tenant_id):
            counting.take(page)
            collect()
            if progress is not None:
                progress(counting.done)
    return counting.impact.report(
        base="" if base is None else base.digest,
        candidate="" if candidate is None else candidate.digest,
        since=since,
        until=until,
        gives_up=gone(base=base, candidate=candidate, today=until.date()),
        waives=waived(candidate, today=until.date()),
    )


def gone(*, base: Bundle | None, candidate: Bundle | None, today: date) -> list[Gone]:
    """List which promises a candidate does not make, with whose word for that: of ``base``, and of what binds it besides.

    No bundle at all promises nothing, and is told to do so in other words.
    :raises BundleRefused: an invariant is none. :raises FactsUnavailable: what binds it cannot be loaded.
    """
    if candidate is None:
        return []
    bases = {} if base is None else {base.digest: base}
    bases |= {one: bundle_of(one) for one in list_binding() if one not in bases}
    found = [
        Gone(promise=one.promise.id) if one.word is None else Gone(**word_of(one.promise.id, one.word))
        for digest, bound in bases.items()
        if digest != candidate.digest
        for one in given_up_by(candidate, base=bound, today=today)
    ]
    return list(dict.fromkeys(found))


def waived(candidate: Bundle | None, *, today: date) -> list[Gone]:
    """List which promises of a candidate may go unproved, by whose word; nothing is proved, and words that are over are none.

    :raises BundleRefused: an invariant is none.
    """
    return [] if candidate is None else [Gone(**one) for one in waivers_of(candidate, today=today)]
