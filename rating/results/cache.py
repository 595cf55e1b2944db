"""What was computed of a study, stored under the home until a rating or its standing changes.

Files hold numbers and words only (JSON, and arrays without pickle). A folder is named by all that its numbers follow
from, so a stale one is never read; it is a cache and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, OuterRef, Subquery

from pool.models import Image
from rating.reading.rating import RatingRevision
from rating.results.computation.bundle_job import BundleJob
from rating.results.methods import versions
from rating.results.query import Response, read_columns, responses_of
from rating.results.stored_results import LAYOUT, StoredResults
from rating.statistics.columns import StudyColumns
from rating.studies.enrolment import Enrolment
from rating.studies.images import StudyImage
from rating.studies.sampling.strata import Stratum
from rating.studies.sittings.sitting import Sitting
from rating.studies.study import Study


class ResultCache(StoredResults):
    """What was computed of one study as it stands now."""

    def __init__(self, study: Study, state: StateOfRatings | None = None) -> None:
        state = state or states_of([study])[study.pk]
        self.study = study
        self.state = state.fingerprint
        self._has_machines = state.has_machines
        super().__init__(_folder(study.pk) / self.state)

    def columns(self, *, machines: bool = False, first_phase: bool = False) -> StudyColumns:
        """People's ratings, or those of the machines that were shown the same, or people's of a first phase."""
        name = "machines" if machines else "first-phase" if first_phase else "columns"
        path = self.folder / f"{name}.npz"
        if path.exists():
            return StudyColumns.load(path)
        columns = read_columns(self.study, machines=machines, first_phase=first_phase)
        self.write(path, columns.save)
        return columns

    def machine_columns(self) -> StudyColumns | None:
        """The machines' answers on the same images; None, and nothing read, where there is no machine."""
        return self.columns(machines=True) if self._has_machines else None

    def texts(self, session: int) -> list[Response]:
        """What raters wrote in a session, and the reasons they gave."""
        path = self.folder / f"texts-{session}.json"
        if path.exists():
            return _texts(path, path.stat().st_mtime_ns)
        responses = responses_of(self.study, session=session, text_only=True)
        content = json.dumps([astuple(response) for response in responses], ensure_ascii=False)
        self.write(path, lambda place: place.write_text(content, encoding="utf-8"))
        return responses


@lru_cache(maxsize=1)
def _texts(path: Path, _written: int) -> list[Response]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Response(rater, image, label, remark, tuple(reasons)) for rater, image, label, remark, reasons in rows
    ]


def _folder(study: int) -> Path:
    return Path(settings.HOME.root) / "analysis" / str(study)


def forget(study: int) -> None:
    """Delete what was computed or bundled of the study with this key, as a text it was made from is taken away."""
    bundles = BundleJob.objects.filter(study=study)
    bundles.drop_files()
    for job in bundles.unfinished():  # it may have read the text already
        job.request_cancel()
    shutil.rmtree(_folder(study), ignore_errors=True)
    # Once more at the end of the transaction: until then others read the text, and write anew what they make of it.
    transaction.on_commit(partial(shutil.rmtree, _folder(study), ignore_errors=True))
    apps.get_model("rating", "Analysis").objects.filter(study=study).delete()


@dataclass(frozen=True, slots=True)
class StateOfRatings:
    """Names all that a study's numbers follow from: the ratings, whose they are, and what may be known."""

    fingerprint: str
    has_machines: bool


def states_of(studies: Sequence[Study]) -> dict[int, StateOfRatings]:
    """By key: the state of each study, in as many queries for many as for one."""
    keys = [study.pk for study in studies]
    # What the analysis groups raters by, and last which of them are machines.
    people = _by_study(
        Enrolment.objects.filter(study__in=keys).order_by("pk"),
        *("study", "pk", "years", "ai_knowledge", "subspecialty", "machine"),
    )
    standing = _by_study(
        Sitting.objects.valid().filter(enrolment__study__in=keys).order_by("pk"), "enrolment__study", "pk"
    )
    newest = _last_revisions(keys)
    measured = _measured([study.pk for study in studies if study.is_unblinded])
    states = {}
    for study in studies:
        facts = [
            study.state,
            study.unsure_policy,
            study.equivalence_margin,
            study.primary_endpoint,
            standing[study.pk],
            people[study.pk],
            newest.get(study.pk, 0),
        ]
        words = json.dumps(
            [LAYOUT, versions(), facts, measured.get(study.pk, [])], sort_keys=True, default=str
        )
        fingerprint = hashlib.sha256(words.encode()).hexdigest()[:24]
        states[study.pk] = StateOfRatings(fingerprint, any(row[-1] for row in people[study.pk]))
    return states


def _by_study(rows: Any, *fields: str) -> dict[int, list[Any]]:
    """The values of the other fields by that of the first."""
    grouped: dict[int, list[Any]] = defaultdict(list)
    for study, *values in rows.values_list(*fields):
        grouped[study].append(values)
    return grouped


def _measured(studies: list[int]) -> dict[int, list[Any]]:
    """What was measured of the datasets, such as a FID, and how many findings are known: both may come after the study."""
    if not studies:
        return {}
    # A look at each image of the studies: a join would make the database read all images there are.
    label = Image.objects.order_by().filter(pk=OuterRef("image")).values("label")
    images = StudyImage.objects.filter(study__in=studies).annotate(label=Subquery(label)).exclude(label="")
    findings = dict(images.order_by().values_list("study").annotate(n=Count("pk")))
    strata = Stratum.objects.filter(study__in=studies).order_by("pk")
    rows = _by_study(strata, "study", "dataset__name", "dataset__measurements")
    return {study: [rows[study], findings.get(study, 0)] for study in studies}


def _last_revisions(studies: list[int]) -> dict[int, int]:
    """By study: the number of its newest saved answer, by one look at the end of each sitting's chain."""
    of_sitting = RatingRevision.objects.filter(sitting=OuterRef("pk")).order_by("-chain_number")
    sittings = Sitting.objects.filter(enrolment__study__in=studies).order_by()
    ends = sittings.annotate(end=Subquery(of_sitting.values("pk")[:1]))
    return {study: end or 0 for study, end in ends.values_list("enrolment__study").annotate(last=Max("end"))}
