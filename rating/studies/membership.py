"""A person's, a group's or every researcher's part in a study."""

from __future__ import annotations

from django.db import models

from accounts.membership.models import Membership
from rating.studies.study import Study


class StudyMembership(Membership):
    subject = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="memberships")
