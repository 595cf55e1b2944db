"""How long a training run takes, at the pace of the newest run of the same network here; no guess where there was none."""

from __future__ import annotations

from generation.diffusion.config import OWN_AUTOENCODER, TrainingConfig
from generation.diffusion.run_config import RunConfig
from generation.training.models import TrainingRun
from jobs.how_long.estimate import Estimate, in_words

# What a step costs: of a network of our own, of a pipeline.
OWN_NETWORK = (
    *("network", "size", "channels", "patch", "widths", "layers", "head_dim", "depth", "width"),
    *("heads", "latent", "latent_channels", "compile"),
)
PIPELINE = ("pipeline", "size", "rank")
MOST_RUNS = 200


def estimate(config: RunConfig) -> Estimate:
    """About how long a run of these settings takes, and by what that is said."""
    settings = TrainingRun(config=config.as_json()).config
    names = PIPELINE if "pipeline" in settings else OWN_NETWORK
    pace = _newest_pace(settings, names)
    if pace is None:
        unknown = "How long it takes is not known: no run of this network at this size was measured here yet."
        return Estimate(None, f"{unknown}{_averages(config)}")
    seconds = config.steps * config.batch / pace
    before = " The autoencoder before it is not counted." if settings.get("latent") == OWN_AUTOENCODER else ""
    sentence = (
        f"About {in_words(seconds)} for {config.steps:,} steps of {config.batch} images, at the {pace:.3g} images a second "
        f"of the newest run of this network at this size here.{before}{_averages(config)}"
    )
    return Estimate(seconds, sentence)


def _averages(config: RunConfig) -> str:
    """What averages to choose from later cost, where they are kept."""
    if not (isinstance(config, TrainingConfig) and config.post_hoc_ema):
        return ""
    times = -(-config.steps // config.checkpoint_every)
    return (
        f" Averages to choose from later are kept of {times:,} checkpoints, 4 bytes for each weight and each of them, and 8 "
        "more in a checkpoint to go on from."
    )


def _newest_pace(settings: dict[str, object], names: tuple[str, ...]) -> float | None:
    """Images a second of the newest run whose steps cost the same; one of the same batch where there is one."""
    runs = TrainingRun.objects.filter(images_per_second__gt=0).order_by("-pk")
    measured_paces = [
        (config.get("batch"), pace)
        for config, pace in runs.values_list("config", "images_per_second")[:MOST_RUNS]
        if pace and all(_plain(config.get(name)) == _plain(settings.get(name)) for name in names)
    ]
    same_batch = [pace for batch, pace in measured_paces if batch == settings.get("batch")]
    return next(iter([*same_batch, *(pace for _, pace in measured_paces)]), None)


def _plain(value: object) -> object:
    """A row has lists where settings have tuples."""
    return list(value) if isinstance(value, tuple) else value
