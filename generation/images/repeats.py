"""The same once more: a whole job with another seed, or a few images like one of them."""

from __future__ import annotations

from typing import Any

from generation.images.forms.base import random_seed
from generation.images.models import GenerationJob
from generation.images.outcomes import GeneratedImage

MORE = 8


def repeat(job: GenerationJob, *, by: Any) -> GenerationJob:
    """The job again, queued with another seed."""
    again = job.duplicate(seed=random_seed(), requested_by_id=by.pk)
    again.submit()
    return again


def more_like(liked: GeneratedImage, *, by: Any) -> GenerationJob:
    """A few more of one image's model, prompt, finding and settings, queued with another seed."""
    more = liked.job.duplicate(
        seed=random_seed(),
        requested_by_id=by.pk,
        total=MORE,
        image_specs=[],
        label=liked.image.label if liked.image else liked.job.label,
        prompt=liked.prompt or liked.job.prompt,
    )
    more.submit()
    return more
