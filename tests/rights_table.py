"""Who may come in at each address, and the part that it takes: what tests/test_permissions.py tries and docs/rights.md prints."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver

EVERYBODY = {"nobody", "rater", "other rater", "researcher", "admin"}
SIGNED_IN = EVERYBODY - {"nobody"}
STAFF = {"researcher", "admin"}
RATERS = {"rater", "other rater"}
OWN = {"rater"}

# name: (who may, how to ask for it)
WHO_MAY: dict[str, tuple[set[str], str]] = {
    "home": (SIGNED_IN, "get"),
    "account": (SIGNED_IN, "get"),
    "tokens": (STAFF, "get"),
    "act_token": (STAFF, "post"),
    "revoke_token": ({"researcher"}, "post"),  # whose it is
    "api_docs": (STAFF, "get"),
    "api_document": (STAFF, "get"),
    "docs": (STAFF, "get"),
    "docs_page": (STAFF, "get"),
    "health": ({"admin"}, "get"),
    "people": ({"admin"}, "get"),
    "people_csv": ({"admin"}, "get"),
    "invite_people": ({"admin"}, "get"),
    "person": ({"admin"}, "get"),
    "change_person": ({"admin"}, "post"),
    "own_data": (SIGNED_IN, "post"),
    "erase_person": ({"admin"}, "get"),
    "second_factor": (SIGNED_IN, "get"),
    "site_settings": ({"admin"}, "get"),
    "privacy_notice": (EVERYBODY, "get"),
    "set_language": (EVERYBODY, "post"),
    "prove_by_code": (SIGNED_IN, "get"),
    "nothing_to_prove_with": (SIGNED_IN, "get"),
    "log": ({"admin"}, "get"),
    "log_csv": ({"admin"}, "get"),
    "login_link": (EVERYBODY, "get"),
    "livez": (EVERYBODY, "get"),
    "readyz": (EVERYBODY, "get"),
    "healthz": (EVERYBODY, "get"),
    "metrics": (EVERYBODY, "get"),
    "invite": (STAFF, "get"),
    "machines": (STAFF, "get"),
    "machine_reading_cancel": (STAFF, "post"),
    "machine_reading_resume": (STAFF, "post"),
    "pool:datasets": (STAFF, "get"),
    "pool:edit_dataset": (STAFF, "get"),
    "pool:remove_dataset": (STAFF, "get"),
    "pool:dataset_window": (STAFF, "get"),
    "pool:dataset_members": (STAFF, "get"),
    "pool:join_dataset": ({"admin"}, "get"),
    "pool:gallery": (STAFF, "get"),
    "pool:correct_images": (STAFF, "post"),
    "pool:correction": (STAFF, "get"),
    "pool:take_back_correction": (STAFF, "post"),
    "pool:image": (STAFF, "get"),
    "pool:thumbnail": (STAFF, "get"),
    "pool:image_file": (STAFF, "get"),
    "pool:exclude": (STAFF, "post"),
    "pool:include": (STAFF, "post"),
    "pool:held_files": (STAFF, "get"),
    "pool:discard_held_files": (STAFF, "post"),
    "pool:held_file": (STAFF, "get"),
    "pool:held_image": (STAFF, "get"),
    "pool:readmit_held_file": (STAFF, "post"),
    "pool:upload": (STAFF, "get"),
    "pool:import_list": (STAFF, "get"),
    "pool:import": (STAFF, "get"),
    "pool:import_outcomes": (STAFF, "get"),
    "pool:import_progress": (STAFF, "get"),
    "pool:import_cancel": (STAFF, "post"),
    "pool:import_resume": (STAFF, "post"),
    "generation:job_list": (STAFF, "get"),
    "generation:create": (STAFF, "get"),
    "generation:create_with": (STAFF, "get"),
    "generation:job": (STAFF, "get"),
    "generation:job_progress": (STAFF, "get"),
    "generation:job_cancel": (STAFF, "post"),
    "generation:job_resume": (STAFF, "post"),
    "generation:duplicate": (STAFF, "post"),
    "generation:review": (STAFF, "get"),
    "generation:sheet": (STAFF, "get"),
    "generation:compare": (STAFF, "get"),
    "generation:more_like": (STAFF, "post"),
    "generation:quality_list": (STAFF, "get"),
    "generation:quality_create": (STAFF, "get"),
    "generation:quality": (STAFF, "get"),
    "generation:quality_progress": (STAFF, "get"),
    "generation:quality_cancel": (STAFF, "post"),
    "generation:quality_resume": (STAFF, "post"),
    "generation:quality_figure": (STAFF, "get"),
    "generation:quality_saliency": (STAFF, "get"),
    "generation:quality_download": (STAFF, "get"),
    "generation:training_list": (STAFF, "get"),
    "generation:train": (STAFF, "get"),
    "generation:finetune": (STAFF, "get"),
    "generation:import_model": (STAFF, "get"),
    "generation:training": (STAFF, "get"),
    "generation:training_progress": (STAFF, "get"),
    "generation:training_cancel": (STAFF, "post"),
    "generation:training_resume": (STAFF, "post"),
    "generation:samples": (STAFF, "get"),
    "generation:grid": (STAFF, "get"),
    "generation:neighbours": (STAFF, "get"),
    "generation:checkpoint": (STAFF, "get"),
    "generation:card": (STAFF, "get"),
    "generation:rename_checkpoint": (STAFF, "post"),
    "generation:pipeline_zip": (STAFF, "get"),
    "generation:course_figure": (STAFF, "get"),
    "generation:loss_figure": (STAFF, "get"),
    "generation:course_table": (STAFF, "get"),
    "generation:training_config": (STAFF, "get"),
    "generation:utility_list": (STAFF, "get"),
    "generation:new_utility": (STAFF, "get"),
    "generation:utility": (STAFF, "get"),
    "generation:utility_progress": (STAFF, "get"),
    "generation:utility_cancel": (STAFF, "post"),
    "generation:utility_resume": (STAFF, "post"),
    "generation:utility_json": (STAFF, "get"),
    "generation:utility_figure": (STAFF, "get"),
    "generation:utility_map": (STAFF, "get"),
    "rating:reading_list": (RATERS, "get"),
    "rating:preferences": (SIGNED_IN, "get"),
    "rating:begin": (OWN, "get"),
    "rating:leave": (OWN, "get"),
    "rating:consent_copy": (OWN, "get"),
    "rating:display": (OWN, "get"),
    "rating:ahead": (OWN, "get"),
    "rating:at": (OWN, "get"),
    "rating:read": (OWN, "get"),
    "rating:rate": (OWN, "post"),
    "rating:draft": (OWN, "post"),
    "rating:debriefing": (OWN, "get"),
    "rating:debriefing_image": (OWN, "get"),
    "rating:presented": (OWN, "get"),
    "rating:presented_of_set": (OWN, "get"),
    "rating:studies": (STAFF, "get"),
    "rating:create": (STAFF, "get"),
    "rating:study": (STAFF, "get"),
    "rating:edit": (STAFF, "get"),
    "rating:preview": (STAFF, "get"),
    "rating:preview_image": (STAFF, "get"),
    "rating:preview_rate": (STAFF, "post"),
    "rating:preview_draft": (STAFF, "post"),
    "rating:freeze": (STAFF, "post"),
    "rating:delete": (STAFF, "get"),
    "rating:archive": (STAFF, "post"),
    "rating:freeze_progress": (STAFF, "get"),
    "rating:freeze_cancel": (STAFF, "post"),
    "rating:freeze_resume": (STAFF, "post"),
    "rating:copy": (STAFF, "post"),
    "rating:audit": (STAFF, "post"),
    "rating:freeze_again": (STAFF, "get"),
    "rating:audit_progress": (STAFF, "get"),
    "rating:audit_cancel": (STAFF, "post"),
    "rating:audit_resume": (STAFF, "post"),
    "rating:analysis_job_progress": (STAFF, "get"),
    "rating:analysis_job_cancel": (STAFF, "post"),
    "rating:analysis_job_resume": (STAFF, "post"),
    "rating:audit_places": (STAFF, "get"),
    "rating:override": (STAFF, "post"),
    "rating:raters": (STAFF, "get"),
    "rating:reset": (STAFF, "post"),
    "rating:withdraw": (STAFF, "post"),
    "rating:replace": (STAFF, "post"),
    "rating:mark_unblinded": (STAFF, "post"),
    "rating:planner": (STAFF, "get"),
    "rating:planner_figure": (STAFF, "get"),
    "rating:open": (STAFF, "post"),
    "rating:let_copies_in": (STAFF, "post"),
    "rating:sign_report": (STAFF, "get"),
    "rating:members": (STAFF, "get"),
    "rating:statements": (STAFF, "get"),
    "rating:redact": (STAFF, "get"),
    "rating:log": (STAFF, "get"),
    "rating:log_csv": (STAFF, "get"),
    "rating:verify": (STAFF, "post"),
    "rating:join": ({"admin"}, "get"),
    "rating:close": (STAFF, "post"),
    "rating:unblind": (STAFF, "post"),
    "rating:analysis": (STAFF, "get"),
    "rating:analysis_question": (STAFF, "get"),
    "rating:analysis_figure": (STAFF, "get"),
    "rating:analysis_images": (STAFF, "get"),
    "rating:analysis_remarks": (STAFF, "get"),
    "rating:remarks_csv": (STAFF, "get"),
    "rating:report": (STAFF, "get"),
    "rating:bundle": (STAFF, "get"),
    "rating:check_table": (STAFF, "get"),
    "rating:study_image": (STAFF, "get"),
    "rating:ratings_csv": (STAFF, "get"),
    "rating:codebook": (STAFF, "get"),
}

# allauth's own pages guard themselves; these are the prefixes of their names.
API = "api:"  # the operations, each with a row in tests/api/test_permissions.py
ALLAUTH = ("account_", "mfa_", "socialaccount_", "openid_connect_", "usersessions_", "social/")


def paths(
    patterns: list[URLPattern | URLResolver], space: str = "", before: str = ""
) -> Iterator[tuple[str, str]]:
    """Each address's name, and its path as the URLconf writes it."""
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from paths(pattern.url_patterns, inner, path)
        else:
            yield f"{space}{pattern.name or pattern.pattern}", path


# What a part in a study or a dataset opens; a part opens what the parts below it open.
VIEWER = {
    *("rating:study", "rating:freeze_progress", "rating:audit_progress", "rating:raters", "rating:copy"),
    "rating:audit_places",
    "rating:analysis_job_progress",
    *("rating:codebook", "rating:analysis", "rating:log", "rating:log_csv", "rating:verify"),
    *(
        "pool:image",
        "pool:thumbnail",
        "pool:image_file",
        "pool:import",
        "pool:import_outcomes",
        "pool:import_progress",
    ),
    *(f"generation:{page}" for page in ("job", "job_progress", "sheet", "samples", "grid", "neighbours")),
    *(
        f"generation:{page}"
        for page in ("training", "training_progress", "checkpoint", "card", "pipeline_zip")
    ),
    *(f"generation:{page}" for page in ("course_figure", "course_table", "loss_figure", "training_config")),
    *(f"generation:quality_{page}" for page in ("progress", "figure", "saliency", "download")),
    "generation:quality",
    *(f"generation:utility_{page}" for page in ("progress", "json", "figure", "map")),
    "generation:utility",
}
EDITOR = {
    *(
        "rating:edit",
        "rating:freeze",
        "rating:open",
        "rating:close",
        "rating:unblind",
        "rating:let_copies_in",
    ),
    "rating:freeze_again",
    "rating:archive",
    *("rating:preview", "rating:preview_image", "rating:preview_rate", "rating:preview_draft"),
    *("rating:audit", "rating:override", "rating:reset", "rating:withdraw", "rating:replace"),
    *("rating:mark_unblinded", "invite", "machines"),
    *("machine_reading_cancel", "machine_reading_resume"),
    *("rating:freeze_cancel", "rating:freeze_resume", "rating:audit_cancel", "rating:audit_resume"),
    *("rating:analysis_job_cancel", "rating:analysis_job_resume"),
    # Of a study that is closed and not unblinded:
    *("rating:ratings_csv", "rating:bundle", "rating:report", "rating:study_image", "rating:remarks_csv"),
    *("rating:sign_report", "rating:statements"),
    *("rating:analysis_question", "rating:analysis_figure", "rating:analysis_images"),
    *("rating:analysis_remarks", "pool:exclude", "pool:include", "pool:import_cancel", "pool:import_resume"),
    *("pool:held_file", "pool:held_image", "pool:readmit_held_file", "pool:dataset_window"),
    *("pool:edit_dataset", "pool:correction", "pool:take_back_correction"),
    *(f"generation:{act}" for act in ("job_cancel", "job_resume", "duplicate", "review", "more_like")),
    *(
        f"generation:{act}"
        for act in ("training_cancel", "training_resume", "quality_cancel", "quality_resume")
    ),
    *("generation:utility_cancel", "generation:utility_resume", "generation:rename_checkpoint"),
}
OWNER = {"rating:redact", "rating:delete", "rating:members", "pool:dataset_members", "pool:remove_dataset"}
# What names no row of a study, dataset or job, or is for admins who have no part yet.
WITHOUT_PART = {
    *("person", "change_person", "erase_person", "revoke_token", "docs_page"),
    *("rating:join", "pool:join_dataset"),
    *("generation:create_with", "rating:planner_figure"),
}
OPENS = {"none": set[str](), "viewer": VIEWER, "editor": VIEWER | EDITOR, "owner": VIEWER | EDITOR | OWNER}
