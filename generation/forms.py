"""The forms that queue work: one for each engine, one for a training run."""

from generation.images.forms.base import NewJobForm, random_seed
from generation.images.forms.local import DiffusionJobForm, PhantomJobForm
from generation.images.forms.prompted import OpenAIJobForm, PipelineJobForm
from generation.quality.forms import QualityForm
from generation.training.forms import FineTuneForm, TrainingForm
from generation.utility.forms import UtilityForm

JOB_FORMS: dict[str, type[NewJobForm]] = {
    form.engine.value: form for form in (DiffusionJobForm, PhantomJobForm, PipelineJobForm, OpenAIJobForm)
}

__all__ = ["JOB_FORMS", "FineTuneForm", "QualityForm", "TrainingForm", "UtilityForm", "random_seed"]
