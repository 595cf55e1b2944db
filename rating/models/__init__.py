"""What the rating side knows: studies, who reads them, and what they said."""

from rating.models.audit import AuditEvent
from rating.models.blinding import BlindingAudit
from rating.models.enrolments import Enrolment
from rating.models.freeze import Freeze
from rating.models.preferences import Preferences
from rating.models.presentations import Presentation
from rating.models.ratings import Label, Rating, RatingRevision
from rating.models.sittings import Sitting
from rating.models.strata import Stratum
from rating.models.studies import Study
from rating.models.study_images import StudyImage

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
