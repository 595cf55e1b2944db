"""The forms that queue work: one for each engine, one for a training run."""

from generation.forms.base import NewJobForm, random_seed
from generation.forms.local import DiffusionJobForm, PhantomJobForm
from generation.forms.prompted import OpenAIJobForm, PipelineJobForm
from generation.forms.quality import QualityForm
from generation.forms.training import FineTuneForm, TrainingForm
from generation.forms.utility import UtilityForm

JOB_FORMS: dict[str, type[NewJobForm]] = {
    form.engine.value: form for form in (DiffusionJobForm, PhantomJobForm, PipelineJobForm, OpenAIJobForm)
}

__all__ = ["JOB_FORMS", "FineTuneForm", "QualityForm", "TrainingForm", "UtilityForm", "random_seed"]
