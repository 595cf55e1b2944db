"""Three roles, each a set of permissions; a view asks for the permission, never for the role."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    RATER = "rater", _("Rater")
    RESEARCHER = "researcher", _("Researcher")
    ADMIN = "admin", _("Admin")


# Whoever may look into the pool knows which images are generated, so a rater has nothing of it.
RATER = frozenset({"rating.rate"})
RESEARCHER = frozenset(
    {
        "pool.view_image",
        "pool.add_image",
        "pool.change_image",
        "pool.delete_dataset",
        "generation.view_generationjob",
        "generation.add_generationjob",
        "generation.change_generationjob",
        "generation.view_trainingrun",
        "generation.add_trainingrun",
        "generation.change_trainingrun",
        "generation.view_qualityreport",
        "generation.add_qualityreport",
        "generation.change_qualityreport",
        "generation.view_utilityexperiment",
        "generation.add_utilityexperiment",
        "generation.change_utilityexperiment",
        "rating.view_study",
        "rating.add_study",
        "rating.change_study",
        "rating.view_truth",
        "rating.export_study",
        "accounts.invite_rater",
    }
)
ADMIN = RESEARCHER | {
    "accounts.view_user",
    "accounts.add_user",
    "accounts.change_user",
    "accounts.change_sitesettings",
    "pool.change_dicomwebsource",
}
PERMISSIONS: dict[str, frozenset[str]] = {
    Role.RATER: RATER,
    Role.RESEARCHER: RESEARCHER,
    Role.ADMIN: ADMIN,
}
