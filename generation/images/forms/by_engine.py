"""The form that queues images of each engine; page and command fill the same."""

from generation.images.forms.base import NewJobForm
from generation.images.forms.local import DiffusionJobForm, PhantomJobForm
from generation.images.forms.prompted import OpenAIJobForm, PipelineJobForm

JOB_FORMS: dict[str, type[NewJobForm]] = {
    form.engine.value: form for form in (DiffusionJobForm, PhantomJobForm, PipelineJobForm, OpenAIJobForm)
}
