"""What the rating side knows: studies, who reads them, and what they said."""

from rating.blinding.audit import BlindingAudit
from rating.blinding.freeze import Freeze
from rating.reading.draft import Draft
from rating.reading.rating import Label, Rating, RatingRevision
from rating.reading.usability import UsabilityAnswer
from rating.results.computation.analysis import Analysis
from rating.results.computation.bundle_job import BundleJob
from rating.results.imported.model import ImportedRatings, ImportedRatingsMembership
from rating.studies.enrolment import Enrolment
from rating.studies.images import StudyImage, StudySlice
from rating.studies.membership import StudyMembership
from rating.studies.outreach.recruitment import Recruit, Recruitment
from rating.studies.outreach.reminders import ReadingSchedule, Reminder
from rating.studies.removal import ArchivedStudy
from rating.studies.sampling.left_out import LeftOutImage
from rating.studies.sampling.strata import Stratum
from rating.studies.sittings.presentation import Presentation
from rating.studies.sittings.sitting import Sitting
from rating.studies.statements import AuthorStatement
from rating.studies.study import Study

__all__ = [
    "Analysis",
    "ArchivedStudy",
    "AuthorStatement",
    "BlindingAudit",
    "BundleJob",
    "Draft",
    "Enrolment",
    "Freeze",
    "ImportedRatings",
    "ImportedRatingsMembership",
    "Label",
    "LeftOutImage",
    "Presentation",
    "Rating",
    "RatingRevision",
    "ReadingSchedule",
    "Recruit",
    "Recruitment",
    "Reminder",
    "Sitting",
    "Stratum",
    "Study",
    "StudyImage",
    "StudyMembership",
    "StudySlice",
    "UsabilityAnswer",
]
