"""What a page can do a program can do: every page that takes a POST names the operation that does the same, or says why none does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.api.test_permissions import operations
from tests.rights_table import ALLAUTH, API

# page: the operations that do what posting to it does
TWINS: dict[str, tuple[str, ...]] = {
    "back_up": ("start_backup",),
    "change_person": tuple(f"person_{act}" for act in ("details", "role", "link", "active", "factor")),
    "erase_person": ("erase_person",),
    "invite": ("invite_raters",),
    "invite_people": ("invite_people",),
    "machines": ("create_machine_reading",),
    "machine_reading_cancel": ("cancel_machine_reading",),
    "machine_reading_resume": ("resume_machine_reading",),
    "site_settings": ("change_settings",),
    "generation:create": ("create_diffusion_job",),
    "generation:create_with": tuple(
        f"create_{engine}_job" for engine in ("phantom", "diffusion", "pipeline", "openai")
    ),
    "generation:duplicate": ("repeat_generation_job",),
    "generation:finetune": ("create_fine_tuning", "estimate_fine_tuning"),
    "generation:import_model": ("import_model",),
    "generation:job_cancel": ("cancel_generation_job",),
    "generation:job_resume": ("resume_generation_job",),
    "generation:model_members": ("change_model_member",),
    "generation:join_model": ("join_model",),
    "generation:remove_model": ("remove_model",),
    "generation:more_like": ("more_like_image",),
    "generation:new_utility": ("create_utility_experiment", "estimate_utility_experiment"),
    "generation:quality_create": ("create_quality_report",),
    "generation:rename_checkpoint": ("rename_checkpoint",),
    "generation:review": ("review_generated_image",),
    "generation:train": ("create_training_run", "estimate_training_run"),
    "generation:training_resume": ("resume_training_run", "train_longer"),
    **{
        f"generation:{page}_{act}": (f"{act}_{operation}",)
        for page, operation in (
            *(("training", "training_run"), ("quality", "quality_report")),
            ("utility", "utility_experiment"),
        )
        for act in ("cancel", "resume")
        if (page, act) != ("training", "resume")
    },
    "pool:correct_images": ("correct_images",),
    "pool:dataset_members": ("change_dataset_member",),
    "pool:dataset_window": ("lay_window",),
    "pool:dicomweb": ("search_dicomweb_source", "import_dicomweb_series"),
    "pool:dicomweb_source": ("change_dicomweb_source",),
    "pool:dicomweb_sources": ("create_dicomweb_source",),
    "pool:discard_held_files": ("discard_held_files",),
    "pool:edit_dataset": ("change_dataset",),
    "pool:exclude": ("exclude_image",),
    "pool:held_file": ("decide_held_file",),
    "pool:include": ("include_image",),
    "pool:join_dataset": ("join_dataset",),
    "pool:readmit_held_file": ("readmit_held_file",),
    "pool:releases": ("create_release",),
    "pool:remove_dataset": ("remove_dataset",),
    "pool:remove_dicomweb_source": ("remove_dicomweb_source",),
    "pool:take_back_correction": ("take_back_correction",),
    "pool:upload": ("upload_images", "create_dataset"),
    **{
        f"pool:{page}_{act}": (f"{act}_{page}",)
        for page in ("import", "release")
        for act in ("cancel", "resume")
    },
    "rating:archive": ("archive_study", "bring_back_study"),
    "rating:audit": ("audit_study",),
    "rating:bundles": ("create_bundle",),
    "rating:close": ("close_now",),
    "rating:copy": ("copy_study",),
    "rating:create": ("create_study",),
    "rating:delete": ("remove_draft",),
    "rating:edit": ("change_study",),
    "rating:freeze": ("freeze_study",),
    "rating:freeze_again": ("freeze_study_again",),
    "rating:imported_list": ("import_ratings",),
    "rating:join": ("join_study",),
    "rating:let_copies_in": ("let_copies_in",),
    "rating:mark_unblinded": ("mark_unblinded_rater",),
    "rating:members": ("change_study_member",),
    "rating:open": ("open_study",),
    "rating:override": ("override_audit",),
    "rating:recruitment": ("change_recruitment",),
    "rating:redact": ("redact_remark",),
    "rating:remove_imported": ("remove_imported_ratings",),
    "rating:replace": ("replace_rater",),
    "rating:reset": ("reset_rater",),
    "rating:schedule": ("change_schedule",),
    "rating:sign_report": ("sign_now",),
    "rating:statements": ("change_statements",),
    "rating:unblind": ("unblind_now", "refuse_unblinding"),
    "rating:verify": ("verify_now",),
    "rating:withdraw": ("withdraw_rater",),
    **{
        f"rating:{page}_{act}": (f"{act}_{operation}",)
        for page, operation in (
            *(("freeze", "freeze"), ("audit", "audit")),
            *(("analysis_job", "analysis"), ("bundle", "bundle")),
        )
        for act in ("cancel", "resume")
    },
}
OF_ONESELF = "what a person proves or decides of themselves: no token does that in their name"
READING = "reading is a person's in front of a screen; raters have no tokens"
WITHOUT_LOGIN = "posted by a browser or mailbox that has no account"
NOTHING_STORED = "nothing is stored: the page looks or tries out only"
EXCEPTIONS: dict[str, str] = {
    **dict.fromkeys(
        (
            "tokens",
            "act_token",
            "revoke_token",
            "prove_by_code",
            "nothing_to_prove_with",
            "own_data",
            "end_tour",
        ),
        OF_ONESELF,
    ),
    **dict.fromkeys(("home", "livez", "readyz", "healthz"), NOTHING_STORED),
    "login_link": WITHOUT_LOGIN,
    "set_language": WITHOUT_LOGIN,
    "rating:stop_reminders": WITHOUT_LOGIN,
    "rating:take_part": WITHOUT_LOGIN,
    **dict.fromkeys(
        (
            *("rating:begin", "rating:leave", "rating:display", "rating:usability"),
            *("rating:rate", "rating:draft", "rating:preferences"),
        ),
        READING,
    ),
    **dict.fromkeys(("rating:preview_rate", "rating:preview_draft"), NOTHING_STORED),
    **dict.fromkeys(
        ("pool:resumable_uploads", "pool:resumable_upload"),
        "the browser's own protocol (tus); programs ask for missing_images and send those",
    ),
}


def test_every_page_that_takes_a_post_has_its_operation_or_a_reason():
    pages = {name for name, view in ours(get_resolver().url_patterns) if takes_post(view)}

    assert pages - TWINS.keys() - EXCEPTIONS.keys() == set()
    assert (TWINS.keys() | EXCEPTIONS.keys()) - pages == set()
    assert not TWINS.keys() & EXCEPTIONS.keys()


def test_every_operation_that_is_named_is_there():
    names = {name for name, _method, _path, _operation in operations()}

    assert {operation for twins in TWINS.values() for operation in twins} - names == set()


def ours(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            within = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from ours(pattern.url_patterns, within)
        elif isinstance(pattern, URLPattern) and pattern.name:
            name = f"{namespace}{pattern.name}"
            if not name.startswith((API, *ALLAUTH)):
                yield name, pattern.callback


def takes_post(view: Callable[..., Any]) -> bool:
    """Whether the methods that its decorators let through have POST among them; a view without such a decorator takes all."""
    methods = getattr(view, "view_class", None)
    if methods is not None:
        return hasattr(methods, "post")
    function: Any = view
    while function is not None:
        inner = getattr(function, "__closure__", None) or ()
        cells = dict(zip(function.__code__.co_freevars, inner, strict=True)) if inner else {}
        if "request_method_list" in cells:
            return "POST" in cells["request_method_list"].cell_contents
        function = getattr(function, "__wrapped__", None)
    return True
