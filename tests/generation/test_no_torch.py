"""The web process stays light."""

import subprocess
import sys

HEAVY = ("torch", "diffusers", "openai", "safetensors")


def test_the_web_process_never_loads_torch_and_its_kin() -> None:
    """Everything the server imports: the application, every URL with its view, form and task."""
    program = (
        "import sys; import lungrater.wsgi; from django.urls import get_resolver; "
        "get_resolver().url_patterns; import jobs.tasks, pool.imports.tasks, rating.blinding.tasks, generation.images.tasks, generation.training.tasks, generation.quality.tasks, generation.utility.tasks; "
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
