"""`/api/v1`: all operations, each of them beside the views of its own room."""

from __future__ import annotations

from accounts.api.me import router as me
from generation.images.api import router as generation_jobs
from generation.metrics.checkpoint_metrics import MetricsJSON
from generation.quality.api import router as quality_reports
from generation.quality.results import QualityResults
from generation.training.api import router as training_runs
from generation.training.checkpoint_api import router as checkpoints
from generation.utility.api import router as utility_experiments
from generation.utility.results import UtilityResults
from lungrater.api.house_api import HouseAPI
from lungrater.api.people import router as people
from lungrater.api.problem_handlers import handle_problems
from lungrater.api.site import router as site
from lungrater.machines.api import router as machines
from pool.corrections.api import router as corrections
from pool.dicomweb.api import router as dicomweb
from pool.imports.api import router as imports
from pool.publication.api import router as releases
from pool.release.api import router as release_desk
from pool.rendering.api import router as windows
from pool.views.api import datasets, images
from rating.results.imported.numbers import ImportedResults
from rating.results.study_results import StudyResults
from rating.views.api.acts import router as acts
from rating.views.api.imported import router as imported
from rating.views.api.jobs import router as study_jobs
from rating.views.api.outcome import router as outcome
from rating.views.api.outreach import router as outreach
from rating.views.api.raters import router as raters
from rating.views.api.removal import router as removal
from rating.views.api.statements import router as statements
from rating.views.api.studies import router as studies

DESCRIPTION = (
    "What programs can do here: by the same forms as the pages, the same memberships and the same log. "
    "Send a token of your account page as “Authorization: Bearer …”."
)

api = HouseAPI(
    title="LungRater",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
    result_types=(StudyResults, ImportedResults, QualityResults, UtilityResults, MetricsJSON),
)
handle_problems(api)
for router in (
    *(me, datasets, windows, images, corrections, imports, release_desk, dicomweb, releases),
    *(generation_jobs, training_runs, checkpoints, quality_reports, utility_experiments),
    *(studies, statements, acts, study_jobs, removal, raters, machines, outreach, outcome, imported),
    *(people, site),
):
    api.add_router("", router)

# Each person is invited for good before any mail goes out; a search only reads, and waits for another server.
addresses = api.addresses(in_pieces=frozenset({"invite_raters", "invite_people", "search_dicomweb_source"}))
