"""Every address is tried as every role and with every part; one without a row in tests/rights_table.py fails the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from accounts.membership.models import Part
from accounts.models import PersonalToken, User
from accounts.roles import Role
from generation.models import Checkpoint, GenerationJob, QualityReport, TrainingRun
from generation.quality.results import QualityResults
from lungrater.machines.models import MachineReading
from pool.copies.rule import Calibration
from pool.corrections.correcting import correct
from pool.models import Dataset, DatasetRelease, DicomwebSource, Image, ImportJob, ResumableUpload
from rating.models import Analysis, BlindingAudit, BundleJob, Freeze, ImportedRatings, Recruitment, Study
from rating.studies.outreach.reminders import stop_token
from tests.factories import make_dataset, make_held_file, make_image
from tests.generation.utility.datasets import reported_experiment
from tests.rating.cast import (
    draft_study,
    frozen_study,
    imported_ratings,
    open_study,
    over_study,
    presentations,
)
from tests.rights_table import ALLAUTH, API, OPENS, STAFF, WHO_MAY, WITHOUT_PART, paths

OF_IMAGE = {f"pool:{page}" for page in ("image", "thumbnail", "image_file", "exclude", "include")}
OF_IMPORT = {
    f"pool:{page}"
    for page in ("import", "import_outcomes", "import_progress", "import_cancel", "import_resume")
}
OF_JOB = {
    f"generation:{page}"
    for page in ("job", "job_progress", "job_cancel", "job_resume", "duplicate", "review", "sheet")
}
OF_TRAINING = {
    f"generation:{page}"
    for page in (
        *("training", "training_progress", "training_cancel", "training_resume"),
        *("course_figure", "course_table", "loss_figure", "training_config"),
    )
}
OF_CHECKPOINT = {
    f"generation:{page}"
    for page in (
        *("checkpoint", "rename_checkpoint", "card", "pipeline_zip"),
        *("samples", "grid", "neighbours"),
    )
}
OF_REPORT = {f"generation:quality{page}" for page in ("", "_progress", "_cancel", "_resume", "_saliency")}
OF_UTILITY = {
    f"generation:{page}"
    for page in (
        "utility",
        "utility_progress",
        "utility_cancel",
        "utility_resume",
        "utility_json",
        "utility_csv",
    )
}
OF_READING = {
    f"rating:{page}"
    for page in ("begin", "display", "usability", "ahead", "read", "leave", "consent_copy", "debriefing")
}
OF_ENROLMENT = {f"rating:{act}" for act in ("reset", "withdraw", "replace", "mark_unblinded")}
OF_STUDY = {
    f"rating:{page}"
    for page in (
        *("study", "close", "unblind", "analysis", "codebook", "members", "join", "redact"),
        "statements",
        *("log", "log_csv", "verify"),
        *("let_copies_in", "copy", "audit", "freeze_again", "override", "raters", "schedule", "recruitment"),
    )
}
OF_MACHINE = {f"machine_reading_{act}" for act in ("cancel", "resume")}
OF_FREEZE = {f"rating:freeze_{act}" for act in ("progress", "cancel", "resume")}
OF_AUDIT = {f"rating:audit_{act}" for act in ("progress", "cancel", "resume")}
OF_ANALYSIS = {f"rating:analysis_job_{act}" for act in ("progress", "cancel", "resume")}
OF_RELEASE = {f"pool:release{act}" for act in ("", "_progress", "_cancel", "_resume", "_file", "_croissant")}
OF_BUNDLE = {f"rating:bundle{act}" for act in ("", "_progress", "_cancel", "_resume", "_file")}
EXTRACTOR = {"name": "small", "sha256": "0" * 64, "dimensions": 64}


def test_every_address_has_a_row():
    ours = {
        name for name, _path in paths(get_resolver().url_patterns) if not name.startswith((API, *ALLAUTH))
    }

    assert ours == set(WHO_MAY)


@pytest.fixture
def world(rater: User, other_rater: User, researcher: User, admin: User) -> dict[str, Any]:
    return make_world({"rater": rater, "other rater": other_rater, "researcher": researcher, "admin": admin})


def make_world(people: dict[str, User]) -> dict[str, Any]:
    """Two studies: one read by the rater, one only by the other rater; both have a finished one too."""
    rater, other_rater, researcher = (people[name] for name in ("rater", "other rater", "researcher"))
    own = open_study("Own", raters=[rater], ask_usability=True)
    job = GenerationJob.objects.create(engine="phantom", dataset=make_dataset(), modality="xray", total=1)
    training = TrainingRun.objects.create(
        name="Run", dataset=make_dataset(), total=1, curve=[[1, 0.9], [2, 0.5]]
    )
    reading = MachineReading.objects.create(study=own, folder="machines/one")
    frozen = frozen_study("Frozen")
    heat_map = {"z": [[0, 41], [-7, 3]], "luck": 40, "mean": [[9, 200], [90, 80]]}
    findings = [
        {"check": "Places in the image", "verdict": "green", "reason": "", "detail": {"heat_map": heat_map}}
    ]
    audit = BlindingAudit.objects.create(study=frozen, state="succeeded", verdict="green", findings=findings)
    open_study("Other", raters=[other_rater])
    pairs = open_study("Pairs", raters=[rater], design="pair", primary_endpoint="accuracy")
    over = over_study("Over", raters=[rater], signatures=True)
    taught = over_study("Taught", raters=[rater], unblinded=True, debriefing="score", marks=True)
    image = make_image(make_dataset())
    corrected = correct(
        Image.objects.filter(pk=image.pk), "label", "Oedema", by=researcher, reason="Read again."
    )
    return {
        "own": own,
        "reading": reading,
        "correction": corrected.correction,
        "own token": PersonalToken.issue(researcher, name="notebook", lives=timedelta(days=1), scopes=[])[0],
        "taught": taught,
        "token of a lesson": presentations(taught, rater)[0].token,
        "over": over,
        "upload": ResumableUpload.objects.create(owner=researcher, name="a.dcm", length=1),
        "imported": imported_ratings("Elsewhere"),
        "source": DicomwebSource.objects.create(name="Archive", base_url="https://pacs.example.org"),
        "release": DatasetRelease.objects.create(dataset=make_dataset(), state="succeeded"),
        "bundle": BundleJob.objects.create(study=over, state="succeeded"),
        "draft": draft_study("Draft"),
        "masked": draft_study("Masked", pseudonyms_only=True),
        "frozen": frozen,
        "audit": audit,
        "analysis": Analysis.objects.create(study=own, state_of_ratings="0"),
        "freeze": Freeze.objects.create(study=frozen, state="succeeded"),
        "token": presentations(own, rater)[0].token,
        "token of a pair": presentations(pairs, rater)[0].token,
        "image": image,
        "held": make_held_file(),
        "discarded": make_held_file(state="discarded", reason="A name.", decided_at=timezone.now()),
        "import": ImportJob.objects.create(dataset=make_dataset()),
        "job": job,
        "generated": job.outcomes.create(index=0, outcome="made", image=make_image(job.dataset)),
        "training": training,
        "checkpoint": Checkpoint.store(
            "Model",
            {"format": "lungrater-diffusion-1", "step": 1, "config": {}},
            b"weights",
            run=training,
            samples=b"\x89PNG",
            grid=b"\x89PNG",
            neighbours=b"\x89PNG",
            metrics={"fid": 1.0, "kid": 0.1, "n_real": 2, "n_fake": 2, "extractor": EXTRACTOR},
        ),
        "model": an_imported_model(),
        "report": a_report(),
        "utility": reported_experiment(),
        "people": people,
    }


def an_imported_model() -> Checkpoint:
    description: Any = {"format": "lungrater-diffusion-1", "step": 1, "config": {}}
    model = Checkpoint.store("Imported", description, b"weights")
    model.share_with(None, Part.OWNER)
    return model


def a_report() -> QualityReport:
    curve: dict[str, list[float]] = {"at": [0, 1], "mean": [0, 1], "low": [0, 1], "high": [0, 1]}
    results: QualityResults = {
        "numbers": [],
        "parts": {},
        "curves": {"spectrum": {"real": curve, "fake": curve}},
        "calibration": Calibration(0.9).as_json(),
        "n_real": 2,
        "n_fake": 2,
        "copies": [],
        "closest": [],
        "best": [],
        "worst": [],
        "duplicates": {"real": [], "fake": []},
        "n_duplicates": {"real": 0, "fake": 0},
        "extractor": {"name": "small", "sha256": "0" * 64, "dimensions": 64},
        "canvas": 64,
        "n_training": 0,
    }
    report = QualityReport(
        reference=make_dataset(), candidate=make_dataset(), state="failed", results=results
    )
    report.saliency.save("", ContentFile(b"png"))
    return report


def address(name: str, world: dict[str, Any]) -> str:
    own, over = world["own"].slug, world["over"].slug
    keys = [
        (OF_IMAGE, world["image"].pk),
        (OF_IMPORT, world["import"].pk),
        ({"pool:held_file", "pool:held_image"}, world["held"].pk),
        ({"pool:readmit_held_file"}, world["discarded"].pk),
        ({"pool:correction", "pool:take_back_correction"}, world["correction"].pk),
        (OF_JOB, world["job"].pk),
        (OF_TRAINING, world["training"].pk),
        (OF_CHECKPOINT, world["checkpoint"].pk),
        ({"generation:model_members", "generation:join_model", "generation:remove_model"}, world["model"].pk),
        (OF_REPORT, world["report"].pk),
        (OF_UTILITY, world["utility"].pk),
        ({"pool:resumable_upload"}, world["upload"].pk),
        (OF_STUDY, own),
    ]
    arguments: dict[str, Callable[[], list[Any]]] = {
        "login_link": lambda: ["no-such-link"],
        "docs_page": lambda: ["index.html"],
        "revoke_token": lambda: [world["own token"].pk],
        "invite": lambda: [own],
        **dict.fromkeys(
            ("rating:imported", "rating:imported_csv", "rating:remove_imported"),
            lambda: [world["imported"].slug],
        ),
        "rating:imported_figure": lambda: [world["imported"].slug, "agreement", "svg"],
        "rating:imported_report": lambda: [world["imported"].slug, "html"],
        **dict.fromkeys(
            ("pool:dicomweb_source", "pool:remove_dicomweb_source"), lambda: [world["source"].pk]
        ),
        "pool:edit_dataset": lambda: [world["image"].dataset_id],
        "pool:remove_dataset": lambda: [world["image"].dataset_id],
        "pool:dataset_window": lambda: [world["image"].dataset_id],
        "pool:dataset_members": lambda: [world["image"].dataset_id],
        "person": lambda: [world["people"]["other rater"].uuid],
        "change_person": lambda: [world["people"]["other rater"].uuid, "link"],
        "pool:join_dataset": lambda: [world["image"].dataset_id],
        "erase_person": lambda: [world["people"]["other rater"].uuid],
        "machines": lambda: [own],
        **dict.fromkeys(OF_MACHINE, lambda: [MachineReading.objects.get().pk]),
        **dict.fromkeys(OF_FREEZE, lambda: [world["freeze"].pk]),
        **dict.fromkeys(OF_AUDIT, lambda: [world["audit"].pk]),
        **dict.fromkeys(OF_ANALYSIS, lambda: [world["analysis"].pk]),
        "generation:create_with": lambda: ["phantom"],
        "generation:more_like": lambda: [world["generated"].image_id],
        "generation:quality_figure": lambda: [world["report"].pk, "spectrum"],
        "generation:quality_download": lambda: [world["report"].pk, "json"],
        "generation:utility_figure": lambda: [world["utility"].pk, "scores", "svg"],
        "generation:utility_map": lambda: [world["utility"].explanations.first().pk],
        **dict.fromkeys(OF_READING, lambda: [own]),
        "rating:take_part": lambda: [Recruitment.objects.get_or_create(study=world["own"])[0].token],
        "rating:stop_reminders": lambda: [stop_token(world["own"].enrolments.order_by("number").first())],
        "rating:key": lambda: [world["masked"].slug],
        "rating:at": lambda: [own, 1],
        **dict.fromkeys(OF_ENROLMENT, lambda: [own, 1]),
        "rating:planner": list,
        "rating:planner_figure": lambda: ["fool-rate"],
        "rating:rate": lambda: [own, world["token"]],
        "rating:draft": lambda: [own, world["token"]],
        "rating:debriefing_image": lambda: [world["taught"].slug, world["token of a lesson"], 0],
        "rating:presented": lambda: [world["token"]],
        "rating:presented_of_set": lambda: [world["token of a pair"], 1],
        "rating:edit": lambda: [world["draft"].slug],
        "rating:preview": lambda: [world["draft"].slug],
        "rating:preview_image": lambda: [world["draft"].slug, "1", 1],
        **dict.fromkeys(("rating:preview_rate", "rating:preview_draft"), lambda: [world["draft"].slug, "1"]),
        "rating:freeze": lambda: [world["draft"].slug],
        "rating:delete": lambda: [world["draft"].slug],
        "rating:archive": lambda: [world["draft"].slug],
        "rating:open": lambda: [world["frozen"].slug],
        "rating:audit_places": lambda: [world["frozen"].slug],
        "rating:study_marks": lambda: [world["taught"].slug, world["taught"].images.first().code],
        "rating:study_image": lambda: [over, world["over"].images.first().code],
        "rating:ratings_csv": lambda: [over],
        **dict.fromkeys(OF_RELEASE, lambda: [world["release"].pk]),
        "pool:releases": lambda: [world["image"].dataset_id],
        **dict.fromkeys(OF_BUNDLE, lambda: [world["bundle"].pk]),
        "rating:bundles": lambda: [over],
        "rating:ratings_parquet": lambda: [over],
        "rating:sign_report": lambda: [over],
        "rating:report": lambda: [over, "html"],
        "rating:analysis_question": lambda: [over, "labels"],
        "rating:analysis_figure": lambda: [over, "labels-by-modality", "csv"],
        "rating:analysis_images": lambda: [over],
        "rating:analysis_remarks": lambda: [over],
        "rating:remarks_csv": lambda: [over],
    }
    if name in arguments:
        return reverse(name, args=arguments[name]())
    return reverse(name, args=[key for names, key in keys if name in names])


def is_turned_away(browser: Client, name: str, method: str, world: dict[str, Any]) -> bool:
    """What the request did is undone, so that the next one meets the same world."""
    with transaction.atomic():
        response = getattr(browser, method)(address(name, world))
        transaction.set_rollback(True)
    request_finished.disconnect(close_old_connections)  # as the test client does: the test's connection stays
    response.close()  # files are handed out unread
    request_finished.connect(close_old_connections)
    sent_to_login = response.status_code == 302 and "/accounts/login/" in response["Location"]
    return sent_to_login or response.status_code in {401, 403, 404}


@pytest.mark.django_db
def test_who_may_come_in(world: dict[str, Any], client_of: Callable[[User], Client]) -> None:
    browsers = {who: client_of(person) for who, person in world["people"].items()} | {"nobody": Client()}

    surprises = [
        f"{name}: {who}"
        for name, (allowed, method) in sorted(WHO_MAY.items())
        for who, browser in sorted(browsers.items())
        if is_turned_away(browser, name, method, world) == (who in allowed)
    ]

    assert not surprises


def test_every_address_of_a_row_says_which_part_it_takes():
    of_a_row = {name for name, path in paths(get_resolver().url_patterns) if "<" in path}
    of_staff = {name for name, (people, _method) in WHO_MAY.items() if people <= STAFF}

    assert (of_a_row & of_staff) - OPENS["owner"] == WITHOUT_PART


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.ADMIN])
def test_what_a_part_opens(role: Role, world: dict[str, Any], client_of: Callable[[User], Client]) -> None:
    person = User.objects.create_user("member@example.org", role=role)
    subjects: list[Any] = [*Study.objects.all(), *Dataset.objects.all(), *ImportedRatings.objects.all()]
    subjects.append(world["model"])
    for subject in subjects:
        subject.memberships.all().delete()
    browser = client_of(person)

    surprises = []
    for part, opened in OPENS.items():
        if part != "none":
            for subject in subjects:
                subject.share_with(person, Part(part))
        surprises += [
            f"{part}: {name}"
            for name in sorted(OPENS["owner"])
            if is_turned_away(browser, name, WHO_MAY[name][1], world) == (name in opened)
        ]

    assert not surprises
