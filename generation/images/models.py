"""Generation jobs: images asked of one engine, and where it stands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.apps import apps
from django.conf import settings as site
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from generation.diffusion.sampling.seeds import MOST_SEED
from generation.training.models import Checkpoint
from jobs import site_folders
from jobs.models import Job, JobQuerySet
from pool.canonical.texts import line
from pool.counting import count_of
from pool.models import Dataset, Image, Modality, Origin

MOST_IMAGES = 100_000
PREVIEW = 4
# How long one person's job may keep a queue while another's waits.
TURN = 120.0


class Outcome(models.TextChoices):
    """What became of one image of a job."""

    MADE = "made"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    REFUSED = "refused"
    FAILED = "failed"


class GenerationJobQuerySet(JobQuerySet["GenerationJob"]):
    def with_counts(self) -> Self:
        """Each job, newest first, with how many images were made, failed, were refused, left out …"""
        outcomes = apps.get_model("generation", "GeneratedImage").objects.all()
        counts = {
            f"{outcome}_count": count_of(outcomes.filter(outcome=outcome), "job")
            for outcome in Outcome.values
        }
        left_out = outcomes.filter(image__isnull=False).exclude(image__excluded_reason="")
        return (
            self.select_related("dataset", "checkpoint", "requested_by")
            .annotate(**counts, left_out_count=count_of(left_out, "job"))
            .order_by("-created_at", "-pk")
        )

    def in_queue(self, queue: str) -> Self:
        return self.filter(engine__in=[e for e, q in GenerationJob.QUEUES.items() if q == queue])

    def queues_waiting(self) -> set[str]:
        """The queues in which some of these wait for a worker."""
        engines = self.waiting().order_by().values_list("engine", flat=True).distinct()
        return {GenerationJob.QUEUES[GenerationJob.Engine(engine)] for engine in engines}

    def next_in_turn(self, queue: str) -> GenerationJob | None:
        """Whose turn it is: the highest priority; in it the person served longest ago; of theirs the oldest."""
        waiting = self.waiting().in_queue(queue)
        top = waiting.order_by("-priority").values_list("priority", flat=True).first()
        if top is None:
            return None
        waiting = waiting.filter(priority=top)
        waiting = waiting.filter(requested_by=waiting.served_longest_ago(queue))
        return waiting.order_by("created_at", "pk").first()

    def served_longest_ago(self, queue: str) -> int | None:
        """Who of those with a job here last had a worker of this queue; None stands for the command line.

        One look into an index for each person, however many jobs wait.
        """
        jobs_of_person = (
            self.filter(requested_by=models.OuterRef("pk")).order_by("engine", "created_at").values("pk")
        )
        started: models.QuerySet[Any, Any] = GenerationJob.objects.in_queue(queue).filter(
            started_at__isnull=False
        )
        started = started.order_by("-started_at").values_list("started_at", flat=True)
        served = started.filter(requested_by=models.OuterRef("pk"))
        people = (
            get_user_model().objects.alias(one=models.Subquery(jobs_of_person[:1])).filter(one__isnull=False)
        )
        people = people.annotate(served=models.Subquery(served[:1]))
        longest_ago = models.F("served").asc(nulls_first=True)
        turns: list[tuple[int | None, Any]] = list(
            people.order_by(longest_ago, "pk").values_list("pk", "served")[:1]
        )
        if self.filter(requested_by=None).exists():
            turns.append((None, started.filter(requested_by=None).first()))
        return min(turns, key=lambda turn: (turn[1] is not None, turn[1]), default=(None, None))[0]

    def serve(self, queue: str) -> GenerationJob | None:
        """Do the job whose turn it is, if any waits."""
        while job := self.next_in_turn(queue):
            if job.perform():
                return job
        return None

    def requeue_stale(self) -> int:
        for job in self.stale():
            job.log("The worker went away without a word.")
        return super().requeue_stale()


class GenerationJob(Job):
    """`total` images of one kind from one engine, into one dataset."""

    class Engine(models.TextChoices):
        PHANTOM = "phantom", "Phantom (drawn by a program)"
        DIFFUSION = "diffusion", "Diffusion model"
        PIPELINE = "pipeline", "Diffusers pipeline"
        OPENAI = "openai", "OpenAI Images API"

    class Priority(models.IntegerChoices):
        LOW = -1
        NORMAL = 0
        HIGH = 1

    QUEUES = {Engine.PHANTOM: "cpu", Engine.DIFFUSION: "gpu", Engine.PIPELINE: "gpu", Engine.OPENAI: "api"}

    engine = models.CharField(max_length=10, choices=Engine)
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    api_model = models.CharField("API model or pipeline", max_length=100, blank=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="generation_jobs")
    modality = models.CharField(max_length=10, choices=Modality)
    label = models.CharField("finding", max_length=300, blank=True)
    prompt = models.TextField(blank=True, max_length=32_000)
    # What a template or a list was expanded to: image k is of spec k modulo their number.
    image_specs = models.JSONField(default=list, blank=True)
    seed = models.PositiveBigIntegerField(default=0, validators=[MaxValueValidator(MOST_SEED)])
    settings = models.JSONField(default=dict, blank=True)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    # After a preview: how many images there are to be once a person has said yes.
    full_total = models.PositiveIntegerField(null=True, blank=True)
    price = models.DecimalField("price per image", max_digits=8, decimal_places=4, null=True, blank=True)
    spend_cap = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    spent = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0), editable=False)
    # Requests whose answer has not come, by index, and how often they were sent: each may have been billed.
    unanswered = models.JSONField(default=dict, editable=False)

    objects: ClassVar[Any] = GenerationJobQuerySet.as_manager()

    # What `with_counts` adds to a row.
    made_count: int
    duplicate_count: int
    filtered_count: int
    refused_count: int
    failed_count: int
    left_out_count: int

    task = "generation.images.tasks.run_generation"
    subjects = ("dataset",)
    fills_the_disk = True

    class Meta(Job.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(engine__in=["phantom", "diffusion", "pipeline", "openai"]),
                name="generation_engine_known",
            ),
            models.CheckConstraint(
                condition=models.Q(total__gte=1, total__lte=MOST_IMAGES),
                name="generation_count_in_range",
                violation_error_message=f"A job makes from 1 to {MOST_IMAGES:,} images.",
            ),
            models.CheckConstraint(
                condition=~models.Q(engine="diffusion") | models.Q(checkpoint__isnull=False),
                name="generation_diffusion_has_checkpoint",
                violation_error_message="Choose the model that is to make the images.",
            ),
            models.CheckConstraint(
                condition=~models.Q(engine__in=["openai", "pipeline"])
                | (~models.Q(api_model="") & ~models.Q(prompt="")),
                name="generation_api_has_model_and_prompt",
                violation_error_message="It needs the name of a model and a prompt.",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="paused") | ~models.Q(error=""), name="generation_paused_says_why"
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "engine", "requested_by", "created_at", "id"],
                condition=models.Q(state="queued"),
                name="generation_turns",
            ),
            models.Index(fields=["-created_at", "-id"], name="generation_newest"),
            models.Index(fields=["requested_by", "started_at"], name="generation_served"),
        ]

    def __str__(self) -> str:
        return f"{self.total} × {self.model_name} into {self.dataset}"

    def get_absolute_url(self) -> str:
        return reverse("generation:job", args=[self.pk])

    def clean(self) -> None:
        """Only drawings may stand in for real images; nothing generated is ever filed as real."""
        dataset = self.dataset if self.dataset_id else None
        if dataset is None:
            return
        if dataset.modality != self.modality:
            raise ValidationError({"modality": f"{dataset} holds {dataset.get_modality_display()} images."})
        if dataset.origin != Origin.REAL:
            return
        if self.engine != self.Engine.PHANTOM:
            raise ValidationError(f"{dataset} holds real images; generated ones need a dataset of their own.")
        images = Image.objects.filter(dataset=dataset.pk)
        if images.count() > images.filter(provenance__engine="phantom").count():
            raise ValidationError(f"{dataset} holds patients' images; drawings need a dataset of their own.")

    @property
    def counts_in_words(self) -> str:
        """What became of the images, of a row that `with_counts` gave."""
        counts = {
            "of them left out": self.left_out_count,
            "filtered": self.filtered_count,
            "there already": self.duplicate_count,
            "refused": self.refused_count,
            "failed": self.failed_count,
        }
        return ", ".join([f"{self.made_count} made", *(f"{n} {word}" for word, n in counts.items() if n)])

    @property
    def model_name(self) -> str:
        if self.engine == self.Engine.DIFFUSION:
            return str(self.checkpoint)
        return self.api_model or "phantom"

    def in_turn(self) -> GenerationJob | None:
        return GenerationJob.objects.next_in_turn(self.queue)

    @property
    def queue(self) -> str:  # type: ignore[override]  # the same string, but it depends on the engine
        return self.QUEUES[self.Engine(self.engine)]

    def log(self, text: str, *, by: Any = None) -> None:
        super().log(text, by=by)
        self.events.create(text=line(site_folders.as_read(text), most=300), by=by)

    def submit(self) -> None:
        """Save the row, note who asked, and ring for a worker after the commit."""
        with transaction.atomic():
            super().submit()
            self.log(f"Queued: {self}.", by=self.requested_by)

    def others_wait(self) -> bool:
        """Whether a more urgent job, or after a fair turn another person's, waits for this worker."""
        rivals = GenerationJob.objects.waiting().in_queue(self.queue)
        urgent = models.Q(priority__gt=self.priority)
        if self.started_at and (timezone.now() - self.started_at).total_seconds() > TURN:
            urgent |= models.Q(priority=self.priority) & ~models.Q(requested_by=self.requested_by_id)
        return bool(rivals.filter(urgent).exists())

    def request_cancel(self, *, by: Any = None) -> None:
        super().request_cancel(by=by)
        self.log("Asked to stop.", by=by)

    def resume(
        self,
        *,
        by: Any = None,
        enqueue: bool = True,
        total: int | None = None,
        spend_cap: Decimal | None = None,
    ) -> bool:
        """Let a job that has stopped go on with what it has not made; True unless it is active or done.

        A paused one goes on where it stopped. Of a failed or cancelled one, what failed, was refused or filtered is
        tried again, of one that succeeded, what failed; what became of it before is kept as an `EarlierOutcome`.
        With a larger `total`, a job that has ended, a preview say, goes on to that many images.
        """
        if spend_cap is not None and not self.is_active and spend_cap != self.spend_cap:
            self.spend_cap = spend_cap
            self.save(update_fields=["spend_cap"])
            self.log(f"The cap is now US${spend_cap:.2f}.", by=by)
        grows = total is not None and total > self.total
        with transaction.atomic():
            ended = GenerationJob.objects.filter(pk=self.pk, state__in=self._resumable_states(grows=grows))
            tried_before = self._outcomes_to_retry().filter(job__in=ended).set_aside()
            resumed = ended.update(
                state=self.State.QUEUED,
                cancel_requested=False,
                total=total if grows else models.F("total"),
                full_total=None if grows else models.F("full_total"),
                worker_losses=0,
                error="",
                message="",
                finished_at=None,
                created_at=Now(),
            )
            if resumed:
                for (outcome, reason), number in tried_before.items():
                    self.log(f"To be tried again: {number} {outcome}. {reason}", by=by)
                self.log(f"Queued again, up to {total if grows else self.total} images.", by=by)
                if enqueue:
                    transaction.on_commit(self.enqueue)
        return bool(resumed)

    def _resumable_states(self, *, grows: bool) -> list[str]:
        states = [self.State.PAUSED, self.State.FAILED, self.State.CANCELLED]
        if grows or self.outcomes.filter(outcome="failed").exists():
            states.append(self.State.SUCCEEDED)
        return [str(state) for state in states]

    def _outcomes_to_retry(self) -> Any:
        """What made no image and may make one yet: after an end by itself only what failed."""
        return self.outcomes.filter(
            models.Q(job__state=self.State.SUCCEEDED, outcome="failed")
            | models.Q(
                job__state__in=[self.State.FAILED, self.State.CANCELLED],
                outcome__in=["failed", "refused", "filtered"],
            )
        )

    def prioritise(self, priority: Priority, *, by: Any = None) -> bool:
        """Change who goes first while the job waits, runs or is paused; True if it does."""
        open_states = [self.State.QUEUED, self.State.RUNNING, self.State.PAUSED]
        rows = GenerationJob.objects.filter(pk=self.pk, state__in=open_states)
        changed = bool(rows.update(priority=priority))
        if changed:
            self.log(f"Priority: {priority.label.lower()}.", by=by)
        return changed

    def duplicate(self, *, seed: int, **changes: Any) -> GenerationJob:
        """An unsaved job that asks for the same with another seed, but for the changes."""
        same = (
            *("engine", "checkpoint", "api_model", "dataset", "modality", "label", "prompt", "image_specs"),
            *("settings", "total", "priority", "price", "spend_cap"),
        )
        values = {field: getattr(self, field) for field in same}
        return GenerationJob(**{**values, "seed": seed, **changes})

    @property
    def images_per_second(self) -> float | None:
        """The pace from this start to its last image; None while there is none."""
        if self.started_at is None:
            return None
        outcomes = self.outcomes.filter(created_at__gte=self.started_at)
        so_far = outcomes.aggregate(last=models.Max("created_at"), number=models.Count("pk"))
        if not so_far["number"] or so_far["last"] <= self.started_at:
            return None
        return float(so_far["number"] / (so_far["last"] - self.started_at).total_seconds())

    @property
    def seconds_left(self) -> float | None:
        """Time to go at this start's pace; what earlier starts made says nothing about it."""
        pace = self.images_per_second if self.state == self.State.RUNNING else None
        return None if not pace else (self.total - self.done) / pace

    @property
    def estimate(self) -> Decimal | None:
        """What all of its images will cost, where a price is known."""
        return None if self.price is None else self.price * (self.full_total or self.total)


class JobEvent(models.Model):
    """A line of a job's log, for people."""

    job = models.ForeignKey(GenerationJob, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    by = models.ForeignKey(site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.CharField(max_length=300)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text
