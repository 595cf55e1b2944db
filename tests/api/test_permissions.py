"""A row for every operation: scope, roles, and the least part in the dataset or study. One without a row fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http.request import HttpHeaders
from django.test import Client

from accounts.membership.models import Part
from accounts.models import User
from accounts.roles import Role
from lungrater.api.site_api import api
from pool.models import Dataset
from rating.models import ImportedRatings, Study
from tests.api.callers import EVERY_SCOPE, act_header, caller
from tests.test_permissions import world

__all__ = ["world"]
EVERYBODY = {"rater", "researcher", "admin"}
STAFF = {"researcher", "admin"}
JOBS = {
    "import": "imports",
    "generation_job": "generation_jobs",
    "training_run": "training_runs",
    "quality_report": "quality_reports",
    "utility_experiment": "utility_experiments",
    "machine_reading": "machine_readings",
    "freeze": "freezes",
    "audit": "audits",
    "analysis": "analyses",
}

# operation: (scope, who may, the least part in what it names; "" where it names nothing that has members)
TABLE: dict[str, tuple[str, set[str], str]] = {
    "me": ("read", EVERYBODY, ""),
    "list_datasets": ("read", STAFF, ""),
    "create_dataset": ("write", STAFF, ""),
    "get_dataset": ("read", STAFF, "viewer"),
    "remove_dataset": ("write", STAFF, "owner"),
    "change_dataset_member": ("write", STAFF, "owner"),
    "join_dataset": ("write", {"admin"}, ""),
    "change_dataset": ("write", STAFF, "editor"),
    "list_dataset_history": ("read", STAFF, "editor"),
    "lay_window": ("write", STAFF, "editor"),
    "correct_images": ("write", STAFF, ""),
    "list_corrections": ("read", STAFF, ""),
    "get_correction": ("read", STAFF, "editor"),
    "list_corrected_images": ("read", STAFF, "editor"),
    "take_back_correction": ("write", STAFF, "editor"),
    "list_held_files": ("read", STAFF, ""),
    "discard_held_files": ("write", STAFF, ""),
    "get_held_file": ("read", STAFF, "editor"),
    "get_held_image": ("read", STAFF, "editor"),
    "decide_held_file": ("write", STAFF, "editor"),
    "readmit_held_file": ("write", STAFF, "editor"),
    "upload_images": ("write", STAFF, "editor"),
    "missing_images": ("read", STAFF, "viewer"),
    "list_dicomweb_sources": ("read", STAFF, ""),
    "create_dicomweb_source": ("write", {"admin"}, ""),
    "change_dicomweb_source": ("write", {"admin"}, ""),
    "remove_dicomweb_source": ("write", {"admin"}, ""),
    "search_dicomweb_source": ("write", STAFF, ""),
    "import_dicomweb_series": ("write", STAFF, "editor"),
    "list_images": ("read", STAFF, ""),
    "get_image": ("read", STAFF, "viewer"),
    "get_image_file": ("read", STAFF, "viewer"),
    "exclude_image": ("write", STAFF, "editor"),
    "include_image": ("write", STAFF, "editor"),
    "create_release": ("export", STAFF, "editor"),
    "list_releases": ("read", STAFF, ""),
    "get_release": ("read", STAFF, "viewer"),
    "cancel_release": ("write", STAFF, "editor"),
    "resume_release": ("write", STAFF, "editor"),
    "get_release_file": ("export", STAFF, "editor"),
    "get_release_croissant": ("export", STAFF, "editor"),
    "create_phantom_job": ("write", STAFF, ""),
    "create_diffusion_job": ("write", STAFF, ""),
    "create_pipeline_job": ("write", STAFF, ""),
    "create_openai_job": ("write", STAFF, ""),
    "create_training_run": ("write", STAFF, ""),
    "create_fine_tuning": ("write", STAFF, ""),
    "estimate_training_run": ("read", STAFF, ""),
    "estimate_fine_tuning": ("read", STAFF, ""),
    "train_longer": ("write", STAFF, "editor"),
    "list_checkpoints": ("read", STAFF, "viewer"),
    "get_training_config": ("read", STAFF, "viewer"),
    "list_generated_images": ("read", STAFF, "viewer"),
    "review_generated_image": ("write", STAFF, "editor"),
    "repeat_generation_job": ("write", STAFF, "editor"),
    "more_like_image": ("write", STAFF, "editor"),
    "list_models": ("read", STAFF, ""),
    "import_model": ("write", STAFF, ""),
    "get_checkpoint": ("read", STAFF, "viewer"),
    "rename_checkpoint": ("write", STAFF, "editor"),
    "change_model_member": ("write", STAFF, "owner"),
    "join_model": ("write", {"admin"}, ""),
    "remove_model": ("write", STAFF, "owner"),
    "get_model_card": ("read", STAFF, "viewer"),
    "get_pipeline": ("read", STAFF, "viewer"),
    "create_quality_report": ("write", STAFF, ""),
    "create_utility_experiment": ("write", STAFF, ""),
    "estimate_utility_experiment": ("read", STAFF, ""),
    **{f"list_{kinds}": ("read", STAFF, "") for kinds in JOBS.values()},
    **{f"get_{kind}": ("read", STAFF, "viewer") for kind in JOBS},
    **{f"cancel_{kind}": ("write", STAFF, "editor") for kind in JOBS},
    **{f"resume_{kind}": ("write", STAFF, "editor") for kind in JOBS},
}
TABLE |= {
    "list_imported_ratings": ("read", STAFF, ""),
    "import_ratings": ("write", STAFF, ""),
    "get_imported_results": ("export", STAFF, "viewer"),
    "get_imported_csv": ("export", STAFF, "viewer"),
    "remove_imported_ratings": ("write", STAFF, "owner"),
    "list_studies": ("read", STAFF, ""),
    "create_study": ("write", STAFF, ""),
    "get_study": ("read", STAFF, "viewer"),
    "change_study": ("write", STAFF, "editor"),
    "get_protocol": ("read", STAFF, "viewer"),
    "copy_study": ("write", STAFF, "viewer"),
    "change_study_member": ("write", STAFF, "owner"),
    "join_study": ("write", {"admin"}, ""),
    "list_statements": ("read", STAFF, "editor"),
    "change_statements": ("write", STAFF, "editor"),
    "remove_draft": ("write", STAFF, "owner"),
    "list_machines": ("read", STAFF, ""),
    "create_machine_reading": ("write", STAFF, "editor"),
    "freeze_study": ("write", STAFF, "editor"),
    "freeze_study_again": ("write", STAFF, "editor"),
    "archive_study": ("write", STAFF, "editor"),
    "bring_back_study": ("write", STAFF, "editor"),
    "redact_remark": ("write", STAFF, "owner"),
    "audit_study": ("write", STAFF, "editor"),
    "override_audit": ("write", STAFF, "editor"),
    "let_copies_in": ("write", STAFF, "editor"),
    "open_study": ("write", STAFF, "editor"),
    "close_now": ("write", STAFF, "editor"),
    "unblind_now": ("write", STAFF, "editor"),
    "refuse_unblinding": ("write", STAFF, "editor"),
    "sign_now": ("write", STAFF, "editor"),
    "invite_raters": ("write", STAFF, "editor"),
    "get_schedule": ("read", STAFF, "editor"),
    "change_schedule": ("write", STAFF, "editor"),
    "get_recruitment": ("read", STAFF, "editor"),
    "change_recruitment": ("write", STAFF, "editor"),
    "get_key": ("people", {"admin"}, ""),
    "list_raters": ("read", STAFF, "viewer"),
    "reset_rater": ("write", STAFF, "editor"),
    "withdraw_rater": ("write", STAFF, "editor"),
    "replace_rater": ("write", STAFF, "editor"),
    "mark_unblinded_rater": ("write", STAFF, "editor"),
    # Of a study that is closed and not unblinded:
    "get_results": ("export", STAFF, "editor"),
    "get_ratings_csv": ("export", STAFF, "editor"),
    "get_machines_csv": ("export", STAFF, "editor"),
    "get_remarks_csv": ("export", STAFF, "editor"),
    "get_ratings_parquet": ("export", STAFF, "editor"),
    "create_bundle": ("export", STAFF, "editor"),
    "list_bundles": ("read", STAFF, ""),
    "get_bundle": ("read", STAFF, "viewer"),
    "cancel_bundle": ("write", STAFF, "editor"),
    "resume_bundle": ("write", STAFF, "editor"),
    "get_bundle_file": ("export", STAFF, "editor"),
    "get_report": ("export", STAFF, "editor"),
    "get_codebook_csv": ("export", STAFF, "viewer"),
    "list_study_log": ("export", STAFF, "viewer"),
    "get_study_log_csv": ("export", STAFF, "viewer"),
    "verify_now": ("read", STAFF, "viewer"),
    "list_people": ("people", {"admin"}, ""),
    "invite_people": ("people", {"admin"}, ""),
    **{f"person_{act}": ("people", {"admin"}, "") for act in ("details", "role", "link", "active", "factor")},
    "start_backup": ("people", {"admin"}, ""),
    "get_settings": ("people", {"admin"}, ""),
    "change_settings": ("people", {"admin"}, ""),
    "erase_person": ("people", {"admin"}, ""),
    "list_site_log": ("people", {"admin"}, ""),
}
OF_A_MODEL = {"change_model_member", "join_model", "remove_model"}
OF_A_DRAFT = {"change_study", "freeze_study", "remove_draft"}
OF_A_CLOSED_STUDY = {
    *(
        "get_results",
        "get_ratings_csv",
        "get_machines_csv",
        "get_remarks_csv",
        "get_ratings_parquet",
        "create_bundle",
        "get_report",
        "sign_now",
    )
}
PARTS = ("", "viewer", "editor", "owner")
# Where an empty body is refused before anything is looked for.
BODIES: dict[str, Any] = {
    "missing_images": {"sha256": []},
    "review_generated_image": {"index": 0, "decision": "keep"},
}


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Each operation's name, method and path, and what the document says of it."""
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method, path, operation


def address(name: str, path: str, world: dict[str, Any]) -> str:
    """The path with what the world has for its place."""
    rows = {
        "/datasets/": world["image"].dataset_id,
        "/images/": world["generated"].image_id if name == "more_like_image" else world["image"].pk,
        "/checkpoints/": world["model" if name in OF_A_MODEL else "checkpoint"].pk,
        "/corrections/": world["correction"].pk,
        "/held-files/": world["discarded" if name == "readmit_held_file" else "held"].pk,
        "/imports/": world["import"].pk,
        "/dicomweb-sources/": world["source"].pk,
        "/generation-jobs/": world["job"].pk,
        "/training-runs/": world["training"].pk,
        "/quality-reports/": world["report"].pk,
        "/utility-experiments/": world["utility"].pk,
        "/machine-readings/": world["reading"].pk,
        "/freezes/": world["freeze"].pk,
        "/audits/": world["audit"].pk,
        "/analyses/": world["analysis"].pk,
        "/bundles/": world["bundle"].pk,
        "/releases/": world["release"].pk,
    }
    key = next((str(row) for start, row in rows.items() if path.startswith(f"/api/v1{start}")), "")
    study = world[
        "masked"
        if name == "get_key"
        else "draft"
        if name in OF_A_DRAFT
        else "over"
        if name in OF_A_CLOSED_STUDY
        else "own"
    ]
    names = {"{pk}": key, "{slug}": study.slug, "{number}": "1", "{kind}": "html"}
    names["{source}"] = str(world["source"].pk)
    names["{uuid}"] = str(world["people"]["other rater"].uuid)
    if "imported" in name:
        names["{slug}"] = world["imported"].slug
    for place, value in names.items():
        path = path.replace(place, value)
    return path


def with_act_token(person: User, *scopes: str) -> Client:
    """A program that has all that a person can give it."""
    program = caller(person, *scopes)
    program.defaults |= HttpHeaders.to_wsgi_names(act_header(person))
    return program


def is_turned_away(program: Client, method: str, path: str, operation: dict[str, Any]) -> bool:
    """What the request did is undone, so that the next one meets the same world."""
    is_upload = "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    how: dict[str, Any] = {} if is_upload or method == "get" else {"content_type": "application/json"}
    with transaction.atomic():
        response = getattr(program, method)(path, BODIES.get(operation["operationId"], {}), **how)
        transaction.set_rollback(True)
    assert response.status_code < 500, (method, path, response.content)
    return response.status_code in {401, 403, 404}


def test_every_operation_has_a_row_with_its_scope():
    scopes = {name: operation["x-scope"] for name, _method, _path, operation in operations()}

    assert scopes == {name: scope for name, (scope, _people, _part) in TABLE.items()}


@pytest.mark.django_db
def test_who_may_call_what(world, settings):
    settings.API_RATE = "100000/m"
    people = {who: world["people"][who] for who in EVERYBODY}
    programs = {who: with_act_token(person) for who, person in people.items()} | {"nobody": Client()}

    surprises = [
        f"{name}: {who}"
        for name, method, path, operation in operations()
        for who, program in programs.items()
        if is_turned_away(program, method, address(name, path, world), operation) == (who in TABLE[name][1])
    ]

    assert not surprises


@pytest.mark.django_db
def test_no_operation_opens_to_a_token_without_its_scope(world, researcher, settings):
    settings.API_RATE = "100000/m"
    lacking = {
        scope: with_act_token(researcher, *(other for other in EVERY_SCOPE if other != scope))
        for scope in EVERY_SCOPE
    }

    surprises = [
        name
        for name, method, path, operation in operations()
        if not is_turned_away(lacking[TABLE[name][0]], method, address(name, path, world), operation)
    ]

    assert not surprises


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.ADMIN])
def test_what_a_part_opens_to_a_program(role, world, settings):
    settings.API_RATE = "100000/m"
    person = User.objects.create_user("member@example.org", role=role)
    subjects: list[Any] = [*Study.objects.all(), *Dataset.objects.all(), *ImportedRatings.objects.all()]
    subjects.append(world["model"])
    for subject in subjects:
        subject.memberships.all().delete()
    program = with_act_token(person)

    surprises = []
    for rank, part in enumerate(PARTS):
        for subject in subjects if part else []:
            subject.share_with(person, Part(part))
        surprises += [
            f"{part or 'none'}: {name}"
            for name, method, path, operation in operations()
            if (least := TABLE[name][2])
            and is_turned_away(program, method, address(name, path, world), operation)
            == (rank >= PARTS.index(least))
        ]

    assert not surprises
