"""What the rating side knows: studies, who reads them, and what they said."""

from rating.models.audit import AuditEvent
from rating.models.blinding import BlindingAudit
from rating.models.freeze import Freeze
from rating.models.preferences import Preferences
from rating.models.ratings import Label, Rating, RatingRevision
from rating.models.sittings import Enrolment, Presentation, Sitting
from rating.models.studies import Stratum, Study, StudyImage

__all__ = [
    "AuditEvent",
    "BlindingAudit",
    "Enrolment",
    "Freeze",
    "Label",
    "Preferences",
    "Presentation",
    "Rating",
    "RatingRevision",
    "Sitting",
    "Stratum",
    "Study",
    "StudyImage",
]
