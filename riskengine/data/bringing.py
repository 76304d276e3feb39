"""Bringing data in: whole or not at all, told in the vendor's trail, and the same file again changes nothing."""

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from audit import api as audit
from isolation.api import tenant_transaction
from licensing import api as licensing
from riskengine.data import files
from riskengine.data.columns import USUAL, Progress, packed_map
from riskengine.data.crowdsec import take_stream
from riskengine.data.errors import DataNotFound, DataRefused
from riskengine.data.files import Manifest
from riskengine.data.kinds import CROWDSEC, KINDS, LISTS, MAPS, Mark
from riskengine.data.lists import Brought, Offer, change_list, drop_list, replace_list
from riskengine.data.maps import checked_mmdb, is_mmdb
from riskengine.data.ranges import Ranges
from riskengine.data.taking import MOST_BYTES, Taken, take_lines

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LONGEST: Final = 500
_CLOCKS: Final = timedelta(days=1)


class Said(Struct, frozen=True, kw_only=True):
    """What whoever brings a file in says of it.

    name: of a list; its kind unless said. as_of: when what it says was so; None: what an MMDB says itself, else now.
    stale_after: None: as usual for its kind. expires_after: for how long lines of a reputation list hold that do not say.
    is_whole: of CrowdSec's stream, the answer to ``startup=true``. columns: of a CSV that is a map.
    """

    name: str = ""
    as_of: datetime | None = None
    stale_after: timedelta | None = None
    expires_after: timedelta | None = None
    is_whole: bool = False
    columns: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    attribution: str = ""


class Result(Struct, frozen=True, kw_only=True):
    """What became of a file. remarks: sentences about what was left out of it."""

    name: str
    brought: Brought
    remarks: tuple[str, ...] = ()


def bring(
    path: Path, *, kind: str, said: Said, by: str, at: datetime, progress: Progress = lambda _count: None
) -> Result:
    """Bring a file in and put it in force; processes see it within seconds.

    kind: of `kinds.KINDS`. by: who does, for the trail. progress: is told now and then how many networks were read.
    :raises DataRefused: it is not what it should be; nothing is changed. :raises DataBusy: another import is at work.
    :raises DataNotFound: there is no such file, or no place for a map.
    """
    if kind not in KINDS:
        raise DataNotFound(f"There is no kind {kind!r}: it is one of {', '.join(KINDS)}.")
    if any(len(text) > _LONGEST or not text.isprintable() for text in (said.source, said.licence, said.attribution)):
        raise DataRefused(f"Source, licence and attribution are printable, of {_LONGEST} characters at most.")
    _check_file(path, most=files.MOST_BYTES if kind in MAPS else MOST_BYTES)
    if kind in MAPS:
        return _bring_map(path, kind, said, by=by, at=at, progress=progress)
    return _bring_list(path, kind, said, by=by, at=at)


def drop(*, name: str, by: str, at: datetime) -> None:
    """Take a list, or this host's map of a kind, out of force.

    :raises DataNotFound: there is none of this name. :raises DataBusy: an import is at work.
    """
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        _tell(audit.Kind.RISK_DATA_DROPPED, at, {"by": by, "name": name})
        if name not in MAPS:
            drop_list(name=name)
        elif not files.drop_map(name):
            raise DataNotFound(f"There is no map {name!r} here.")


def _check_file(path: Path, *, most: int) -> None:
    if not path.is_file():
        raise DataNotFound(f"There is no file {path}.")
    if path.stat().st_size > most:
        raise DataRefused(f"It is larger than {most // 1024**2} MiB.")


# -- Lists


def _bring_list(path: Path, kind: str, said: Said, *, by: str, at: datetime) -> Result:
    name = said.name or kind
    if not _NAME.fullmatch(name) or name in MAPS:
        raise DataRefused(f"{name!r} is no name for a list: lower-case letters, digits, dots, _ and -, 64 at most.")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DataRefused(f"It is larger than {MOST_BYTES // 1024**2} MiB.")
    offer = Offer(
        name=name,
        kind=kind,
        digest=sha256(content).hexdigest(),
        as_of=said.as_of or at,
        stale_after=said.stale_after or KINDS[kind].stale_after,
        at=at,
        source=said.source,
        licence=said.licence,
        attribution=said.attribution,
    )
    change, remarks = _change(content, kind, said, offer)
    with tenant_transaction(licensing.VENDOR_TENANT_ID):
        brought = change()
        if brought.changed or brought.gone:
            counts = {"networks": brought.networks, "changed": brought.changed, "gone": brought.gone}
            told = {"by": by, "name": name, "kind": kind, "digest": offer.digest, "source": said.source, **counts}
            _tell(audit.Kind.RISK_DATA_IMPORTED, at, told)
    return Result(name=name, brought=brought, remarks=remarks)


def _change(content: bytes, kind: str, said: Said, offer: Offer) -> tuple[Callable[[], Brought], tuple[str, ...]]:
    """Read a list, and return what puts it in force, and what was left out."""
    if kind == CROWDSEC:
        stream = take_stream(content, is_whole=said.is_whole, at=offer.at)
        remarks = _remarks(stream.new, f"{stream.others} decisions are of something else than networks.", stream.others)
        if said.is_whole:
            return lambda: replace_list(offer, stream.new.networks), remarks
        return lambda: change_list(offer, stream.new.networks, stream.deleted), remarks
    taken = take_lines(
        content.decode("utf-8", "replace").splitlines(),
        mark=Mark(str(LISTS[kind].mark)),
        has_expiry=kind == "reputation",
        expires_after=said.expires_after,
        at=offer.at,
    )
    return lambda: replace_list(offer, taken.networks), _remarks(taken)


def _remarks(taken: Taken, other: str = "", count: int = 0) -> tuple[str, ...]:
    said = (
        (taken.strange, f"{taken.strange} lines are no network: {'; '.join(taken.shown)}."),
        (taken.inner, f"{taken.inner} networks are not public, and were left out."),
        (taken.over, f"{taken.over} had ended before, and were left out."),
        (count, other),
    )
    return tuple(sentence for number, sentence in said if number)


# -- Maps


def _bring_map(path: Path, kind: str, said: Said, *, by: str, at: datetime, progress: Progress) -> Result:
    if said.name not in {"", kind}:
        raise DataRefused("A map is named by its kind: there is one of each.")
    with files.importing() as part:
        # What is checked is what is put in force, whatever becomes of the file that was named.
        copy = part / "copy"
        shutil.copyfile(path, copy)
        digest = files.digest_of(copy)
        before = _before(kind)
        if before is not None and before.digest == digest and not said.columns:
            files.confirm(_confirmed(before, said, at), part)
            return Result(name=kind, brought=Brought(networks=before.networks, is_same=True))
        made, manifest, remarks = _made(copy, kind, said, digest, at=at, progress=progress)
        with tenant_transaction(licensing.VENDOR_TENANT_ID):
            told = {"by": by, "name": kind, "kind": kind, "digest": digest, "source": said.source}
            _tell(audit.Kind.RISK_DATA_IMPORTED, at, {**told, "networks": manifest.networks})
            files.put_in_force(made, manifest)
    return Result(name=kind, brought=Brought(networks=manifest.networks, changed=manifest.networks), remarks=remarks)


def _before(kind: str) -> Manifest | None:
    """Read what is in force, and whole: a map that cannot be read is brought in anew."""
    with suppress(DataRefused, OSError):
        found = files.read_manifest(kind)
        if found is not None and files.path_of(found).stat().st_size == found.size:
            return found
    return None


def _confirmed(before: Manifest, said: Said, at: datetime) -> Manifest:
    """Say of what stays what is said of it now; an MMDB is as old as it says itself, whenever it is brought in."""
    as_of = said.as_of or (before.as_of if before.format == "mmdb" else at)
    return msgspec.structs.replace(before, as_of=as_of, imported_at=at, **_origin(before.kind, said))


def _made(
    copy: Path, kind: str, said: Said, digest: str, *, at: datetime, progress: Progress
) -> tuple[Path, Manifest, tuple[str, ...]]:
    """Check a map, and make of it the file that is to be in force."""
    form: files.Format
    remarks: tuple[str, ...] = ()
    if is_mmdb(copy):
        form = "mmdb"
        count, built = checked_mmdb(copy, kind=kind, progress=progress)
        made, as_of = copy, datetime.fromtimestamp(built, UTC)
        if as_of > at + _CLOCKS:
            raise DataRefused(f"It says that it was built on {as_of:%Y-%m-%d}, which is to come.")
    else:
        form, as_of = "ranges", at
        with copy.open(encoding="utf-8-sig", newline="") as lines:
            content, rows = packed_map(lines, said.columns or USUAL[kind], kind=kind, progress=progress)
        made, count = copy.with_name("made"), Ranges(content).count
        made.write_bytes(content)
        strange = f"{rows.strange} rows say nothing of a network: {'; '.join(rows.shown)}."
        remarks = (strange,) if rows.strange else ()
    # Of one file there may be two maps, by other columns.
    name = files.name_for(kind, digest if form == "mmdb" else files.digest_of(made), form)
    manifest = Manifest(
        kind=kind,
        file=name,
        format=form,
        digest=digest,
        size=made.stat().st_size,
        networks=count,
        as_of=said.as_of or as_of,
        imported_at=at,
        **_origin(kind, said),
    )
    return made, manifest, remarks


def _origin(kind: str, said: Said) -> dict[str, Any]:
    return {
        "stale_after": (said.stale_after or KINDS[kind].stale_after).total_seconds(),
        "source": said.source,
        "licence": said.licence,
        "attribution": said.attribution,
    }


def _tell(kind: audit.Kind, at: datetime, payload: Mapping[str, object]) -> None:
    audit.append(tenant_id=licensing.VENDOR_TENANT_ID, kind=kind, at=at, payload=payload)
