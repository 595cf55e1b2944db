"""An export is of one moment, whatever is written meanwhile; its files say the same, and the manifest counts them."""

import csv
import hashlib
import io
import json
import threading
import zipfile

import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from jobs.snapshot import in_one_snapshot, one_snapshot
from rating.models import BundleJob, Rating
from rating.reading.marks import MARKS
from rating.reading.slices import SLICE_MS
from rating.results.cache import forget
from rating.results.export import parquet, rating_rows
from rating.results.export.bundle import write_bundle
from rating.results.export.ratings_csv import csv_lines, json_lines
from rating.studies.second_questions import checked
from tests.rating.bundles import bundle
from tests.rating.cast import open_study, organiser, over_study, rate_all, rewrite
from tests.rating.stacks import open_stack_study
from tests.rating.studies.test_forced_choice import PAIRS

DATE = "2026-01-31"


def beside(act) -> None:
    """Do this on a connection of its own, as another process would."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.django_db(transaction=True)
def test_a_stream_goes_on_as_of_its_beginning_when_ratings_change_meanwhile(rater, other_rater, monkeypatch):
    monkeypatch.setattr(rating_rows, "PAGE", 4)
    study = over_study(raters=[rater, other_rater], unblinded=True)

    lines = in_one_snapshot(csv_lines(study))
    beginning = [next(lines), next(lines)]
    beside(lambda: rewrite(Rating.objects.all(), label="unsure"))
    rows = rows_of("".join([*beginning, *lines]))

    assert len(beginning[1].splitlines()) == 4
    assert [row["label"] for row in rows] == ["real"] * 6 + ["fake"] * 6
    assert {row["label"] for row in rows_of("".join(csv_lines(study)))} == {"unsure"}


@pytest.mark.django_db(transaction=True)
def test_all_files_of_a_bundle_are_of_one_moment(rater, other_rater, tmp_path):
    study = over_study(raters=[rater, other_rater], unblinded=True)

    def pulse(name: str) -> None:
        if name == "ratings.json":
            beside(lambda: rewrite(Rating.objects.all(), label="unsure"))

    with one_snapshot():
        write_bundle(study, DATE, tmp_path / "bundle.zip", pulse=pulse)

    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        labels = [row["label"] for row in rows_of(archive.read("ratings.csv").decode())]
        assert labels == ["real"] * 6 + ["fake"] * 6
        assert [row["label"] for row in json.loads(archive.read("ratings.json"))["ratings"]] == labels
        assert pq.read_table(io.BytesIO(archive.read("ratings.parquet")))["label"].to_pylist() == labels
        assert {row["label"] for row in rows_of(archive.read("revisions.csv").decode())} == {"real", "fake"}
        assert {row["truth"] for row in rows_of(archive.read("galleries.csv").decode())} == {"real", "fake"}


@pytest.mark.django_db(transaction=True)
def test_a_bundle_is_made_by_a_job_that_says_how_far_it_is_and_leaves_its_digest(rater, researcher):
    study = over_study(raters=[rater])
    job = BundleJob.objects.create(study=study, requested_by=researcher, with_images=True)

    job.perform()

    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    content = job.file.read()
    assert (job.sha256, job.file_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert job.done == job.total > 30
    assert (job.verified, job.with_truth) == (True, False)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        images = [name for name in archive.namelist() if name.startswith("images/")]
    assert len(images) == study.images.count() == 6
    assert study.events.get(action="exported ratings").detail["sha256"] == job.sha256


@pytest.mark.django_db
def test_the_manifest_counts_the_rows_and_gives_the_digest_of_every_file(rater, other_rater):
    study = over_study(raters=[rater, other_rater], unblinded=True)

    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        contents = {name: archive.read(name) for name in archive.namelist()}

    files = {entry["file"]: entry for entry in manifest["files"]}
    assert set(files) == set(contents) - {"manifest.json", "ro-crate-metadata.json", "SHA256SUMS"}
    for name, entry in files.items():
        assert entry["sha256"] == hashlib.sha256(contents[name]).hexdigest()
        assert entry["bytes"] == len(contents[name])
    for name in ("ratings", "raters", "remarks", "log", "revisions", "sequences", "codebook"):
        assert files[f"{name}.csv"]["rows"] == len(rows_of(contents[f"{name}.csv"].decode()))
    assert files["ratings.parquet"]["rows"] == files["ratings.json"]["rows"] == 12
    assert files["README.txt"]["rows"] is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("opened", "protocol"),
    [
        (open_study, {}),
        (open_study, PAIRS),
        (open_study, {"marks": True}),
        (open_stack_study, {"slices": 7, "marks": True}),
    ],
)
def test_parquet_holds_what_the_json_twin_holds(rater, opened, protocol, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "PAGE", 2)
    questions = [{"code": "size", "words": "How large?", "kind": "number"}]
    study = opened(raters=[rater], second_questions=checked(questions), **protocol)
    label = "1" if protocol is PAIRS else "fake"
    rate_all(study, rater, label, remark='ribs, "odd"\nleft ✓')
    rewrite(Rating.objects.all()[:2], reasons=["Unusual ribs", "Too smooth"])
    rewrite(Rating.objects.all()[2:3], remark="")
    rewrite(Rating.objects.all()[1:3], second_answers={"size": 2.5})
    mark = {"x": 0.5, "y": 0.25, "w": 0.125, "h": 0.0} | ({"slice": 3} if study.slices > 1 else {})
    rewrite(Rating.objects.all()[3:4], view_state={SLICE_MS: [40, 0, 7, 0, 0, 0, 1], MARKS: [mark, mark]})
    study.close(organiser())
    study.unblind(organiser(), "All raters have finished.")

    rows = parquet.write_parquet(study, tmp_path / "ratings.parquet")

    table = pq.read_table(tmp_path / "ratings.parquet").to_pylist()
    assert rows == len(table)
    for row in table:
        for name in ("first_shown_at", "rated_at"):
            row[name] = row[name] and row[name].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row["second"] = {"size": size} if (size := row.pop("second_size")) is not None else {}
    assert table == json.loads("".join(json_lines(study)))["ratings"]


@pytest.mark.django_db
def test_the_command_says_what_it_wrote(rater, tmp_path):
    study = over_study(raters=[rater])

    call_command("export", study.name, format="parquet", output=tmp_path / "ratings.parquet")

    (entry,) = json.loads((tmp_path / "ratings.parquet.manifest.json").read_text())["files"]
    assert entry["sha256"] == hashlib.sha256((tmp_path / "ratings.parquet").read_bytes()).hexdigest()
    assert entry["rows"] == 6


@pytest.mark.django_db
def test_a_researcher_makes_a_bundle_on_its_page_and_fetches_it(rater, researcher, client_of):
    study = over_study(raters=[rater])
    browser = client_of(researcher)

    answer = browser.post(reverse("rating:bundles", args=[study.slug]))
    job = BundleJob.objects.get()
    job.perform()
    page = browser.get(answer["Location"]).content.decode()
    fetched = browser.get(reverse("rating:bundle_file", args=[job.pk]))

    assert job.get_absolute_url() == answer["Location"]
    assert job.sha256 in page
    assert hashlib.sha256(fetched.getvalue()).hexdigest() == job.sha256
    parquet_file = browser.get(reverse("rating:ratings_parquet", args=[study.slug])).getvalue()
    assert pq.read_table(io.BytesIO(parquet_file)).num_rows == 6


@pytest.mark.django_db
def test_where_a_text_is_taken_away_the_bundles_that_have_it_go_too(rater, researcher, client_of):
    study = over_study(raters=[rater])
    job = BundleJob.objects.create(study=study)
    job.perform()
    waiting = BundleJob.objects.create(study=study)
    name, storage = str(job.file.name), job.file.storage

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("django.db.transaction.on_commit", lambda act: act())
        forget(study.pk)

    job.refresh_from_db()
    waiting.refresh_from_db()
    assert job.is_dropped
    assert not storage.exists(name)
    assert waiting.state == "cancelled"


@pytest.mark.django_db
def test_raters_stand_in_a_table_of_their_own(rater, other_rater):
    study = open_study(raters=[rater, other_rater])
    first = study.enrolments.get(user=rater)
    first.years, first.subspecialty, first.ai_knowledge = 12, "=thorax", "used"
    first.save()
    study.enrolments.get(user=other_rater).withdraw(organiser(), "Has left.")
    study.close(organiser())

    with zipfile.ZipFile(io.BytesIO(bundle(study, DATE))) as archive:
        rows = rows_of(archive.read("raters.csv").decode())

    assert rows == [
        {
            "rater": "R01",
            "counts": "1",
            "machine": "",
            "years": "12",
            "subspecialty": "'=thorax",
            "ai_knowledge": "used",
        }
    ]
