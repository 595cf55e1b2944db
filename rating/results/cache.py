"""What was computed of a study, stored under the home until a rating or its standing changes.

Files hold numbers and words only (JSON, and arrays without pickle). A folder is named by all that its numbers follow
from, so a stale one is never read; it is a cache and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Count, Max, Q

from pool.canonical.typed_json import as_json, from_json
from rating.reading.rating import RatingRevision
from rating.results.methods import versions
from rating.results.query import read_columns
from rating.statistics.columns import StudyColumns
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study

T = TypeVar("T")
LAYOUT = 8  # raise it when numbers or figures are made otherwise
STATES = 2
MOST_FILES = 400


class ResultCache:
    """What was computed of one study as it stands now."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._people = _people(study)
        self.folder = _folder(study.pk) / _fingerprint(study, self._people)

    def columns(self, *, machines: bool = False, first_phase: bool = False) -> StudyColumns:
        """People's ratings, or those of the machines that were shown the same, or people's of a first phase."""
        name = "machines" if machines else "first-phase" if first_phase else "columns"
        path = self.folder / f"{name}.npz"
        if path.exists():
            return StudyColumns.load(path)
        columns = read_columns(self.study, machines=machines, first_phase=first_phase)
        self._write(path, columns.save)
        return columns

    def machine_columns(self) -> StudyColumns | None:
        """The machines' answers on the same images; None, and nothing read, where there is no machine."""
        return self.columns(machines=True) if any(machine for *_, machine in self._people) else None

    def typed(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        """The numbers of this name, made once and read back as what they were."""
        path = self.folder / f"{_safe(name)}.json"
        if path.exists():
            return from_json(kind, json.loads(path.read_text(encoding="utf-8")))
        value = make()
        words = json.dumps(as_json(value), ensure_ascii=False, allow_nan=False)
        self._write(path, lambda place: place.write_text(words, encoding="utf-8"))
        return value

    def bytes(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The drawing of this name, made once."""
        path = self.folder / _safe(name)
        if not path.exists():
            content = make()
            self._write(path, lambda place: place.write_bytes(content))
            return content
        return path.read_bytes()

    def _write(self, path: Path, write: Callable[[Path], Any]) -> None:
        """Put the whole file there at once; a reader never sees half of one."""
        if not self.folder.exists():
            _forget_old(self.folder.parent)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sum(1 for _ in self.folder.iterdir()) >= MOST_FILES:
            return
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as place:
            pass
        write(Path(place.name))
        Path(place.name).replace(path)


def _folder(study: int) -> Path:
    return Path(settings.HOME.root) / "analysis" / str(study)


def forget(study: int) -> None:
    """Delete what was computed of the study with this key, as a text it was made from is taken away."""
    shutil.rmtree(_folder(study), ignore_errors=True)


def _people(study: Study) -> list[tuple[Any, ...]]:
    """What the analysis groups raters by, and last which of them are machines."""
    fields = ("pk", "years", "ai_knowledge", "subspecialty", "machine")
    return list(study.enrolments.order_by("pk").values_list(*fields))


def _fingerprint(study: Study, people: list[tuple[Any, ...]]) -> str:
    """Names the state of all that the numbers follow from: the ratings, whose they are, and what may be known."""
    standing = list(
        Sitting.objects.valid().filter(enrolment__study=study).order_by("pk").values_list("pk", flat=True)
    )
    facts = [
        study.state,
        study.unsure_policy,
        study.equivalence_margin,
        study.primary_endpoint,
        standing,
        people,
        last_revision(study),
    ]
    words = json.dumps([LAYOUT, versions(), facts, _measured(study)], sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()[:24]


def _measured(study: Study) -> list[Any]:
    """What was measured of the datasets, such as a FID, and how many findings are known: both may come after the study."""
    if not study.is_unblinded:
        return []
    findings = Count("study__images", filter=~Q(study__images__image__label=""))
    strata = study.strata.order_by("pk").annotate(findings=findings)
    return list(strata.values_list("dataset__name", "dataset__measurements", "findings"))


def last_revision(study: Study) -> int:
    """The number of the study's newest saved answer; asked of all its rows only when any study has a new one."""
    newest = RatingRevision.objects.aggregate(last=Max("pk"))["last"] or 0
    note = _folder(study.pk) / "last-revision.json"
    if note.exists():
        noted = json.loads(note.read_text())
        if noted["newest"] == newest:
            return int(noted["own"])
    own = (
        RatingRevision.objects.filter(rating__presentation__sitting__enrolment__study=study).aggregate(
            last=Max("pk"), n=Count("pk")
        )["last"]
        or 0
    )
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = note.with_suffix(f".{os.getpid()}")
    place.write_text(json.dumps({"newest": newest, "own": own}))
    place.replace(note)
    return int(own)


def _forget_old(folder: Path) -> None:
    """Keep the last few states; older numbers can be made again."""
    if not folder.exists():
        return
    states = sorted(
        (path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
    )
    for old in states[: -STATES + 1] if STATES > 1 else states:
        shutil.rmtree(old, ignore_errors=True)


def _safe(name: str) -> str:
    """A file name that no request can steer out of the folder."""
    stem, _, ending = name.rpartition(".")
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{digest}.{ending}" if stem and ending.isalnum() else digest
