"""A method for every operation of the API, with the types of what it takes and gives.

Made by bench/client_code.py: change the API, then python -m bench.client_code --write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, cast

from lungrater.client.transport import FileUpload, Transport
from lungrater.client.types.bodies import (
    Bundle,
    ClosingConfirmation,
    Confirmation,
    Correction,
    Dataset,
    DatasetChange,
    Decision,
    DicomwebSource,
    DiffusionJob,
    DigestQuery,
    Discarding,
    Erasing,
    FineTuning,
    FreezeAgain,
    ImportedRatings,
    Invitations,
    Machine,
    Member,
    ModelMember,
    ModelName,
    OpenaiJob,
    PeopleInvitations,
    PersonActive,
    PersonDetails,
    PersonFactor,
    PersonLink,
    PersonRole,
    PhantomJob,
    PipelineJob,
    Protocol,
    Quality,
    RaterAct,
    Reason,
    RecruitmentBody,
    Redaction,
    Release,
    RemovalReason,
    Review,
    ScheduleBody,
    SeriesChoice,
    SeriesQuery,
    Signature,
    SiteSettings,
    SourceConfirmation,
    Statements,
    StudyMember,
    Training,
    TrainingLonger,
    Unblinding,
    Utility,
    WhyDelete,
    WhyJoin,
    WhyReason,
    WhyRemove,
    Window,
)
from lungrater.client.types.facts import (
    ActFacts,
    BackupSentence,
    BundleFacts,
    CheckpointFacts,
    CorrectedFacts,
    CorrectedImageFacts,
    CorrectionFacts,
    DatasetEventFacts,
    DatasetFacts,
    DecidedFacts,
    Digests,
    DiscardedFacts,
    DurationFacts,
    ErasedFacts,
    EventFacts,
    GeneratedFacts,
    GenerationFacts,
    HeldFileFacts,
    ImageFacts,
    ImportedFacts,
    ImportFacts,
    ImportLine,
    InvitationsFacts,
    KeyFacts,
    MachineReadingFacts,
    Me,
    MemberFacts,
    ModelMemberFacts,
    PeopleInvitedFacts,
    PersonFacts,
    PersonSentence,
    QualityFacts,
    QualityLine,
    RaterFacts,
    RaterSentence,
    RecruitmentFacts,
    ReleaseFacts,
    ScheduleFacts,
    Sentence,
    SeriesFacts,
    SettingsFacts,
    SourceFacts,
    StatementFacts,
    StudyAuditFacts,
    StudyFacts,
    StudyJobFacts,
    StudyLine,
    TakenBackFacts,
    TrainingFacts,
    UtilityFacts,
    UtilityLine,
    VerificationFacts,
)
from lungrater.client.types.results import ImportedResults, StudyResults


class Operations:
    """One site's operations, by the names of its document."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def me(self) -> Me:
        """The person and the token of this very request."""
        return cast("Me", self.transport.get("/me").json())

    def list_datasets(self) -> Iterator[DatasetFacts]:
        """List Datasets."""
        return cast("Iterator[DatasetFacts]", self.transport.pages("/datasets"))

    def create_dataset(self, body: Dataset) -> DatasetFacts:
        """An empty dataset, yours; send its images next."""
        return cast("DatasetFacts", self.transport.create("/datasets", json=body))

    def get_dataset(self, pk: int) -> DatasetFacts:
        """Get Dataset."""
        return cast("DatasetFacts", self.transport.get(f"/datasets/{pk}").json())

    def change_dataset(self, pk: int, body: DatasetChange) -> DatasetFacts:
        """Change what is named of what is said of it; its log keeps what stood there before."""
        return cast("DatasetFacts", self.transport.act(f"/datasets/{pk}", body, method="PATCH"))

    def remove_dataset(self, pk: int, body: Confirmation) -> None:
        """With its images, where nothing needs them; `confirm` is its name."""
        self.transport.act(f"/datasets/{pk}/remove", body)

    def change_dataset_member(self, pk: int, body: Member, *, act_token: str = "") -> MemberFacts:
        """Give a person, a group or all researchers a part, by an act token; an empty part takes it away."""
        return cast("MemberFacts", self.transport.act(f"/datasets/{pk}/members", body, act_token=act_token))

    def join_dataset(self, pk: int, body: WhyJoin, *, act_token: str = "") -> DatasetFacts:
        """For admins, by an act token: become an owner; log and mail tell the other owners, with your
        reason."""
        return cast("DatasetFacts", self.transport.act(f"/datasets/{pk}/join", body, act_token=act_token))

    def lay_window(self, pk: int, body: Window) -> ImportFacts:
        """Show the dataset's kept values under another window, in a new dataset; an import, to be
        followed."""
        return cast("ImportFacts", self.transport.create(f"/datasets/{pk}/windows", json=body))

    def list_images(
        self,
        *,
        dataset: int | None = None,
        origin: str | None = None,
        modality: str | None = None,
        label: str | None = None,
        note: str | None = None,
    ) -> Iterator[ImageFacts]:
        """List Images."""
        return cast(
            "Iterator[ImageFacts]",
            self.transport.pages(
                "/images", dataset=dataset, origin=origin, modality=modality, label=label, note=note
            ),
        )

    def get_image(self, pk: str) -> ImageFacts:
        """Get Image."""
        return cast("ImageFacts", self.transport.get(f"/images/{pk}").json())

    def get_image_file(self, pk: str) -> bytes:
        """Its pixels as a PNG."""
        return self.transport.get(f"/images/{pk}/file").content

    def exclude_image(self, pk: str, body: Reason) -> ImageFacts:
        """Leave it out of new studies and training; it stays where it is."""
        return cast("ImageFacts", self.transport.act(f"/images/{pk}/exclude", body))

    def include_image(self, pk: str) -> ImageFacts:
        """Take an exclusion back."""
        return cast("ImageFacts", self.transport.act(f"/images/{pk}/include"))

    def list_dataset_history(self, pk: int) -> Iterator[DatasetEventFacts]:
        """What was said of it before it was changed."""
        return cast("Iterator[DatasetEventFacts]", self.transport.pages(f"/datasets/{pk}/history"))

    def correct_images(
        self,
        body: Correction,
        *,
        dataset: int | None = None,
        origin: str | None = None,
        modality: str | None = None,
        label: str | None = None,
        note: str | None = None,
    ) -> CorrectedFacts:
        """One value for the images named, or with `scope` “all” for every one that the query's filter
        lists.

        Images that a study which is frozen or further shows stay as they are."""
        return cast(
            "CorrectedFacts",
            self.transport.create(
                "/corrections",
                params=self.transport.query(
                    dataset=dataset, origin=origin, modality=modality, label=label, note=note
                ),
                json=body,
            ),
        )

    def list_corrections(self) -> Iterator[CorrectionFacts]:
        """List Corrections."""
        return cast("Iterator[CorrectionFacts]", self.transport.pages("/corrections"))

    def get_correction(self, pk: int) -> CorrectionFacts:
        """Get Correction."""
        return cast("CorrectionFacts", self.transport.get(f"/corrections/{pk}").json())

    def list_corrected_images(self, pk: int) -> Iterator[CorrectedImageFacts]:
        """What each image said before."""
        return cast("Iterator[CorrectedImageFacts]", self.transport.pages(f"/corrections/{pk}/images"))

    def take_back_correction(self, pk: int) -> TakenBackFacts:
        """Let the images that still say what it gave them say again what they said before."""
        return cast("TakenBackFacts", self.transport.act(f"/corrections/{pk}/take-back"))

    def upload_images(
        self, pk: int, files: Sequence[FileUpload], fields: dict[str, object] | None = None
    ) -> ImportFacts:
        """Send images, or archives of them. Pixels that the dataset holds already are told as duplicates,
        never added twice.

        The slices of a series that are to be one stack, or to be chosen from, come in one request, as
        files or as an archive."""
        return cast(
            "ImportFacts",
            self.transport.create(f"/datasets/{pk}/images", files=list(files), data=fields or {}),
        )

    def missing_images(self, pk: int, body: DigestQuery) -> Digests:
        """Which of these files, by SHA-256, are no image of the dataset: send those, after a broken upload
        as before it.

        Of a dataset that you may change, files on its release desk or discarded there are not missing
        either, nor are files that
        an import has refused for what they are, or taken for duplicates, unless `with_outcomes` asks
        for them."""
        return cast("Digests", self.transport.act(f"/datasets/{pk}/images/missing", body))

    def list_imports(self) -> Iterator[ImportLine]:
        """List imports."""
        return cast("Iterator[ImportLine]", self.transport.pages("/imports"))

    def get_import(self, pk: int) -> ImportFacts:
        """Get import."""
        return cast("ImportFacts", self.transport.get(f"/imports/{pk}").json())

    def cancel_import(self, pk: int) -> ImportFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("ImportFacts", self.transport.act(f"/imports/{pk}/cancel"))

    def resume_import(self, pk: int) -> ImportFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("ImportFacts", self.transport.act(f"/imports/{pk}/resume"))

    def list_held_files(
        self, *, dataset: int | None = None, state: str | None = None
    ) -> Iterator[HeldFileFacts]:
        """What waits on the desk of the datasets that you may change, or with `state` what was decided."""
        return cast(
            "Iterator[HeldFileFacts]", self.transport.pages("/held-files", dataset=dataset, state=state)
        )

    def discard_held_files(self, body: Discarding) -> DiscardedFacts:
        """Several at once can be discarded only: each release wants a look at the image itself."""
        return cast("DiscardedFacts", self.transport.act("/held-files/discard", body))

    def get_held_file(self, pk: str) -> HeldFileFacts:
        """Get Held File."""
        return cast("HeldFileFacts", self.transport.get(f"/held-files/{pk}").json())

    def get_held_image(self, pk: str) -> bytes:
        """Its pixels in eight bits, as long as it waits; the log keeps the look."""
        return self.transport.get(f"/held-files/{pk}/image").content

    def decide_held_file(self, pk: str, body: Decision) -> DecidedFacts:
        """Release it, mask and release it, or discard it; your name and the reason stand in the log."""
        return cast("DecidedFacts", self.transport.act(f"/held-files/{pk}/decision", body))

    def readmit_held_file(self, pk: str) -> DecidedFacts:
        """Let a discarded file be held again when it is imported again; its row goes."""
        return cast("DecidedFacts", self.transport.act(f"/held-files/{pk}/readmit"))

    def list_dicomweb_sources(self) -> Iterator[SourceFacts]:
        """List Dicomweb Sources."""
        return cast("Iterator[SourceFacts]", self.transport.pages("/dicomweb-sources"))

    def create_dicomweb_source(self, body: DicomwebSource) -> SourceFacts:
        """For admins: a server that people may import from. Its password is kept sealed and never told
        again."""
        return cast("SourceFacts", self.transport.create("/dicomweb-sources", json=body))

    def change_dicomweb_source(self, pk: int, body: DicomwebSource) -> SourceFacts:
        """For admins; what is left out stays, the password too where the server stays the same."""
        return cast("SourceFacts", self.transport.act(f"/dicomweb-sources/{pk}", body, method="PATCH"))

    def remove_dicomweb_source(self, pk: int, body: SourceConfirmation) -> None:
        """For admins; `confirm` is its name. What was imported from it stays."""
        self.transport.act(f"/dicomweb-sources/{pk}/remove", body)

    def search_dicomweb_source(self, pk: int, body: SeriesQuery) -> list[SeriesFacts]:
        """Its series that match, a thousand at most; nothing of the search or the answer is kept."""
        return cast("list[SeriesFacts]", self.transport.act(f"/dicomweb-sources/{pk}/search", body))

    def import_dicomweb_series(self, pk: int, source: int, body: SeriesChoice) -> ImportFacts:
        """Fetch series of a source into the dataset; each of `chosen_series` is “STUDY SERIES” by their
        identifiers."""
        return cast(
            "ImportFacts", self.transport.create(f"/datasets/{pk}/dicomweb-imports/{source}", json=body)
        )

    def create_release(self, pk: int, body: Release) -> ReleaseFacts:
        """Make the zip that may be given to others: images with marks, metadata, datasheet, Croissant,
        citation files."""
        return cast("ReleaseFacts", self.transport.create(f"/datasets/{pk}/releases", json=body))

    def get_release_file(self, pk: int) -> bytes:
        """The zip, once its job has succeeded and as long as it lies there (a week)."""
        return self.transport.get(f"/releases/{pk}/file").content

    def get_release_croissant(self, pk: int) -> bytes:
        """Croissant to lie beside the zip: table and images bound to it by its SHA-256, which no file
        inside can name."""
        return self.transport.get(f"/releases/{pk}/croissant").content

    def list_releases(self) -> Iterator[ReleaseFacts]:
        """List releases."""
        return cast("Iterator[ReleaseFacts]", self.transport.pages("/releases"))

    def get_release(self, pk: int) -> ReleaseFacts:
        """Get release."""
        return cast("ReleaseFacts", self.transport.get(f"/releases/{pk}").json())

    def cancel_release(self, pk: int) -> ReleaseFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("ReleaseFacts", self.transport.act(f"/releases/{pk}/cancel"))

    def resume_release(self, pk: int) -> ReleaseFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("ReleaseFacts", self.transport.act(f"/releases/{pk}/resume"))

    def create_diffusion_job(self, body: DiffusionJob) -> GenerationFacts:
        """Queue images of this engine; into a dataset there is, or a new one."""
        return cast("GenerationFacts", self.transport.create("/generation-jobs/diffusion", json=body))

    def create_phantom_job(self, body: PhantomJob) -> GenerationFacts:
        """Queue images of this engine; into a dataset there is, or a new one."""
        return cast("GenerationFacts", self.transport.create("/generation-jobs/phantom", json=body))

    def create_pipeline_job(self, body: PipelineJob) -> GenerationFacts:
        """Queue images of this engine; into a dataset there is, or a new one."""
        return cast("GenerationFacts", self.transport.create("/generation-jobs/pipeline", json=body))

    def create_openai_job(self, body: OpenaiJob) -> GenerationFacts:
        """Queue images of this engine; into a dataset there is, or a new one."""
        return cast("GenerationFacts", self.transport.create("/generation-jobs/openai", json=body))

    def list_generation_jobs(self) -> Iterator[GenerationFacts]:
        """List generation jobs."""
        return cast("Iterator[GenerationFacts]", self.transport.pages("/generation-jobs"))

    def get_generation_job(self, pk: int) -> GenerationFacts:
        """Get generation job."""
        return cast("GenerationFacts", self.transport.get(f"/generation-jobs/{pk}").json())

    def cancel_generation_job(self, pk: int) -> GenerationFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("GenerationFacts", self.transport.act(f"/generation-jobs/{pk}/cancel"))

    def resume_generation_job(self, pk: int) -> GenerationFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("GenerationFacts", self.transport.act(f"/generation-jobs/{pk}/resume"))

    def list_generated_images(self, pk: int) -> Iterator[GeneratedFacts]:
        """Every image of the job with what became of it, those that were refused or failed too."""
        return cast("Iterator[GeneratedFacts]", self.transport.pages(f"/generation-jobs/{pk}/images"))

    def review_generated_image(self, pk: int, body: Review) -> GeneratedFacts:
        """Keep the image of this index, or leave it out with a reason."""
        return cast("GeneratedFacts", self.transport.act(f"/generation-jobs/{pk}/reviews", body))

    def repeat_generation_job(self, pk: int) -> GenerationFacts:
        """The same once more, with another seed."""
        return cast("GenerationFacts", self.transport.create(f"/generation-jobs/{pk}/again"))

    def more_like_image(self, pk: str) -> GenerationFacts:
        """A few more images of this one's model, prompt, finding and settings, with another seed."""
        return cast("GenerationFacts", self.transport.create(f"/images/{pk}/more"))

    def estimate_training_run(self, body: Training) -> DurationFacts:
        """About how long such a training takes by the runs of this site; nothing is queued."""
        return cast("DurationFacts", self.transport.act("/training-runs/duration", body))

    def estimate_fine_tuning(self, body: FineTuning) -> DurationFacts:
        """About how long such a fine-tuning takes by the runs of this site; nothing is queued."""
        return cast("DurationFacts", self.transport.act("/fine-tunings/duration", body))

    def list_training_runs(self) -> Iterator[TrainingFacts]:
        """List training runs."""
        return cast("Iterator[TrainingFacts]", self.transport.pages("/training-runs"))

    def create_training_run(self, body: Training) -> TrainingFacts:
        """Train a model of our own on a dataset."""
        return cast("TrainingFacts", self.transport.create("/training-runs", json=body))

    def get_training_run(self, pk: int) -> TrainingFacts:
        """Get training run."""
        return cast("TrainingFacts", self.transport.get(f"/training-runs/{pk}").json())

    def cancel_training_run(self, pk: int) -> TrainingFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("TrainingFacts", self.transport.act(f"/training-runs/{pk}/cancel"))

    def resume_training_run(self, pk: int) -> TrainingFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("TrainingFacts", self.transport.act(f"/training-runs/{pk}/resume"))

    def train_longer(self, pk: int, body: TrainingLonger) -> TrainingFacts:
        """Let a run that reached its end go on for so many more steps."""
        return cast("TrainingFacts", self.transport.act(f"/training-runs/{pk}/longer", body))

    def create_fine_tuning(self, body: FineTuning) -> TrainingFacts:
        """Go on training a Stable Diffusion that lies in the home's models folder."""
        return cast("TrainingFacts", self.transport.create("/fine-tunings", json=body))

    def list_checkpoints(self, pk: int) -> list[CheckpointFacts]:
        """What a run has stored so far, first to last, each with its measured numbers."""
        return cast("list[CheckpointFacts]", self.transport.get(f"/training-runs/{pk}/checkpoints").json())

    def get_training_config(self, pk: int) -> bytes:
        """All settings of a run as the TOML file that gives them again."""
        return self.transport.get(f"/training-runs/{pk}/config.toml").content

    def list_models(self) -> Iterator[CheckpointFacts]:
        """Every checkpoint that images can be made of: of runs that you see, and those that came without
        one."""
        return cast("Iterator[CheckpointFacts]", self.transport.pages("/checkpoints"))

    def import_model(
        self, files: Sequence[FileUpload], fields: dict[str, object] | None = None
    ) -> CheckpointFacts:
        """Bring in a model that LungRater exported, here or elsewhere, as a zip; no code of it is run."""
        return cast(
            "CheckpointFacts", self.transport.create("/checkpoints", files=list(files), data=fields or {})
        )

    def get_checkpoint(self, pk: int) -> CheckpointFacts:
        """Get Checkpoint."""
        return cast("CheckpointFacts", self.transport.get(f"/checkpoints/{pk}").json())

    def rename_checkpoint(self, pk: int, body: ModelName) -> CheckpointFacts:
        """Give it a name of its own."""
        return cast("CheckpointFacts", self.transport.act(f"/checkpoints/{pk}/name", body))

    def change_model_member(self, pk: int, body: ModelMember, *, act_token: str = "") -> ModelMemberFacts:
        """Of a model that came without a run: give a part, by an act token; an empty part takes it away."""
        return cast(
            "ModelMemberFacts", self.transport.act(f"/checkpoints/{pk}/members", body, act_token=act_token)
        )

    def join_model(self, pk: int, body: WhyJoin, *, act_token: str = "") -> CheckpointFacts:
        """For admins, by an act token: become an owner of a model that came without a run, also of one
        that nobody owns
        any more; log and mail tell the other owners, with your reason."""
        return cast(
            "CheckpointFacts", self.transport.act(f"/checkpoints/{pk}/join", body, act_token=act_token)
        )

    def remove_model(self, pk: int, body: WhyRemove) -> None:
        """Its row and weights go, with a reason; what images or models rest on stays."""
        self.transport.act(f"/checkpoints/{pk}/remove", body)

    def get_model_card(self, pk: int) -> bytes:
        """Get Model Card."""
        return self.transport.get(f"/checkpoints/{pk}/card.md").content

    def get_pipeline(self, pk: int) -> bytes:
        """The model as a diffusers pipeline folder in a zip; 409 with the reason where that cannot be."""
        return self.transport.get(f"/checkpoints/{pk}/pipeline.zip").content

    def list_quality_reports(self) -> Iterator[QualityLine]:
        """List quality reports."""
        return cast("Iterator[QualityLine]", self.transport.pages("/quality-reports"))

    def create_quality_report(self, body: Quality) -> QualityFacts:
        """Measure generated images against real ones."""
        return cast("QualityFacts", self.transport.create("/quality-reports", json=body))

    def get_quality_report(self, pk: int) -> QualityFacts:
        """Get quality report."""
        return cast("QualityFacts", self.transport.get(f"/quality-reports/{pk}").json())

    def cancel_quality_report(self, pk: int) -> QualityFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("QualityFacts", self.transport.act(f"/quality-reports/{pk}/cancel"))

    def resume_quality_report(self, pk: int) -> QualityFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("QualityFacts", self.transport.act(f"/quality-reports/{pk}/resume"))

    def estimate_utility_experiment(self, body: Utility) -> DurationFacts:
        """About how long such an experiment takes by the classifiers trained on this site; nothing is
        queued."""
        return cast("DurationFacts", self.transport.act("/utility-experiments/duration", body))

    def list_utility_experiments(self) -> Iterator[UtilityLine]:
        """List utility experiments."""
        return cast("Iterator[UtilityLine]", self.transport.pages("/utility-experiments"))

    def create_utility_experiment(self, body: Utility) -> UtilityFacts:
        """Test what training on generated images is worth on real ones."""
        return cast("UtilityFacts", self.transport.create("/utility-experiments", json=body))

    def get_utility_experiment(self, pk: int) -> UtilityFacts:
        """Get utility experiment."""
        return cast("UtilityFacts", self.transport.get(f"/utility-experiments/{pk}").json())

    def cancel_utility_experiment(self, pk: int) -> UtilityFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("UtilityFacts", self.transport.act(f"/utility-experiments/{pk}/cancel"))

    def resume_utility_experiment(self, pk: int) -> UtilityFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("UtilityFacts", self.transport.act(f"/utility-experiments/{pk}/resume"))

    def list_studies(self, *, archived: bool | None = None) -> Iterator[StudyLine]:
        """Those that the page lists, or those in the archive."""
        return cast("Iterator[StudyLine]", self.transport.pages("/studies", archived=archived))

    def create_study(self, body: Protocol) -> StudyFacts:
        """A draft, yours. The body is what a protocol file holds: the fields of the study's form, and
        `strata`."""
        return cast("StudyFacts", self.transport.create("/studies", json=body))

    def get_study(self, slug: str) -> StudyFacts:
        """Get Study."""
        return cast("StudyFacts", self.transport.get(f"/studies/{slug}").json())

    def change_study(self, slug: str, body: Protocol) -> StudyFacts:
        """Change what is named of a draft's protocol; `strata`, where they are named, replace all."""
        return cast("StudyFacts", self.transport.act(f"/studies/{slug}", body, method="PATCH"))

    def get_protocol(self, slug: str) -> Protocol:
        """The protocol as a file, by which another site makes the same study of its own images."""
        return cast("Protocol", self.transport.get(f"/studies/{slug}/protocol").json())

    def copy_study(self, slug: str) -> StudyFacts:
        """A draft with the same protocol; its images are drawn anew at its freeze."""
        return cast("StudyFacts", self.transport.create(f"/studies/{slug}/copy"))

    def change_study_member(self, slug: str, body: StudyMember, *, act_token: str = "") -> Sentence:
        """Give a person, a group or all researchers a part, by an act token; an empty part takes it away."""
        return cast("Sentence", self.transport.act(f"/studies/{slug}/members", body, act_token=act_token))

    def join_study(self, slug: str, body: WhyJoin, *, act_token: str = "") -> StudyFacts:
        """For admins, by an act token: become an owner; log and mail tell the other owners, with your
        reason."""
        return cast("StudyFacts", self.transport.act(f"/studies/{slug}/join", body, act_token=act_token))

    def list_statements(self, slug: str) -> list[StatementFacts]:
        """What only you can say of the study, for its reporting checklists."""
        return cast("list[StatementFacts]", self.transport.get(f"/studies/{slug}/statements").json())

    def change_statements(self, slug: str, body: Statements) -> list[StatementFacts]:
        """Write the topics that are named; null empties one. The log keeps who wrote which."""
        return cast(
            "list[StatementFacts]", self.transport.act(f"/studies/{slug}/statements", body, method="PATCH")
        )

    def freeze_study(self, slug: str, body: Signature, *, act_token: str = "") -> ActFacts:
        """Fix images, derivatives and orders; a job, to be followed in the study. With signatures: an act
        token and `meaning`."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/freeze", body, act_token=act_token))

    def freeze_study_again(self, slug: str, body: FreezeAgain) -> ActFacts:
        """Leave out what the audit flagged, make the arms alike, and freeze: another study, with protocol
        and raters of this one.

        The answer is of the new study; with signatures it is a draft, to be frozen with yours."""
        return cast("ActFacts", self.transport.create(f"/studies/{slug}/freeze-again", json=body))

    def audit_study(self, slug: str) -> ActFacts:
        """Run the blinding audit again."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/audit"))

    def override_audit(self, slug: str, body: WhyReason) -> ActFacts:
        """Let it open in spite of a red audit; your name and reason stand in its log and its methods text."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/override", body))

    def let_copies_in(self, slug: str, body: WhyReason) -> ActFacts:
        """Let near-copies of real images be shown in this study."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/let-copies-in", body))

    def open_study(self, slug: str) -> ActFacts:
        """Let raters begin."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/open"))

    def close_now(self, slug: str, body: ClosingConfirmation, *, act_token: str = "") -> ActFacts:
        """Take no more ratings, for good: an act token, and the study's name in `confirm`."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/close", body, act_token=act_token))

    def unblind_now(self, slug: str, body: Unblinding, *, act_token: str = "") -> ActFacts:
        """Let the truth be seen: an act token, and a reason. With four eyes the first person asks and a
        second confirms."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/unblind", body, act_token=act_token))

    def refuse_unblinding(self, slug: str, body: WhyReason) -> ActFacts:
        """With four eyes: refuse what another has asked for, or withdraw one's own wish, with a reason."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/unblind/refuse", body))

    def sign_now(self, slug: str, body: Signature, *, act_token: str = "") -> ActFacts:
        """Sign the numbers of the report as they are now: an act token and `meaning`."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/report/sign", body, act_token=act_token))

    def invite_raters(self, slug: str, body: Invitations) -> InvitationsFacts:
        """Enrol people, one address a line or a table as CSV text, and mail each a link; nobody is
        enrolled twice.

        Where researchers see pseudonyms only, admins alone may."""
        return cast("InvitationsFacts", self.transport.act(f"/studies/{slug}/invitations", body))

    def list_freezes(self) -> Iterator[StudyJobFacts]:
        """List freezes."""
        return cast("Iterator[StudyJobFacts]", self.transport.pages("/freezes"))

    def get_freeze(self, pk: int) -> StudyJobFacts:
        """Get freeze."""
        return cast("StudyJobFacts", self.transport.get(f"/freezes/{pk}").json())

    def cancel_freeze(self, pk: int) -> StudyJobFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("StudyJobFacts", self.transport.act(f"/freezes/{pk}/cancel"))

    def resume_freeze(self, pk: int) -> StudyJobFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("StudyJobFacts", self.transport.act(f"/freezes/{pk}/resume"))

    def list_audits(self) -> Iterator[StudyAuditFacts]:
        """List audits."""
        return cast("Iterator[StudyAuditFacts]", self.transport.pages("/audits"))

    def get_audit(self, pk: int) -> StudyAuditFacts:
        """Get audit."""
        return cast("StudyAuditFacts", self.transport.get(f"/audits/{pk}").json())

    def cancel_audit(self, pk: int) -> StudyAuditFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("StudyAuditFacts", self.transport.act(f"/audits/{pk}/cancel"))

    def resume_audit(self, pk: int) -> StudyAuditFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("StudyAuditFacts", self.transport.act(f"/audits/{pk}/resume"))

    def list_analyses(self) -> Iterator[StudyJobFacts]:
        """List analyses."""
        return cast("Iterator[StudyJobFacts]", self.transport.pages("/analyses"))

    def get_analysis(self, pk: int) -> StudyJobFacts:
        """Get analysis."""
        return cast("StudyJobFacts", self.transport.get(f"/analyses/{pk}").json())

    def cancel_analysis(self, pk: int) -> StudyJobFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("StudyJobFacts", self.transport.act(f"/analyses/{pk}/cancel"))

    def resume_analysis(self, pk: int) -> StudyJobFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("StudyJobFacts", self.transport.act(f"/analyses/{pk}/resume"))

    def archive_study(self, slug: str) -> ActFacts:
        """Leave the study out of the lists; nothing else of it changes. Twice is as once."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/archive", method="PUT"))

    def bring_back_study(self, slug: str) -> ActFacts:
        """Into the lists again. Twice is as once."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/archive", method="DELETE"))

    def remove_draft(self, slug: str, body: WhyDelete) -> None:
        """A draft goes for good, with its invitations; the log keeps its name and your reason."""
        self.transport.act(f"/studies/{slug}/remove", body)

    def redact_remark(self, slug: str, body: Redaction) -> ActFacts:
        """Take a remark away for good, from every save of the answer; the log keeps who, when and why. Its
        label stands."""
        return cast("ActFacts", self.transport.act(f"/studies/{slug}/redactions", body))

    def list_raters(self, slug: str) -> list[RaterFacts]:
        """The progress of each rater, by pseudonym."""
        return cast("list[RaterFacts]", self.transport.get(f"/studies/{slug}/raters").json())

    def get_key(self, slug: str) -> list[KeyFacts]:
        """Who each pseudonym is, where researchers see these alone; the study's log keeps the look."""
        return cast("list[KeyFacts]", self.transport.get(f"/studies/{slug}/key").json())

    def reset_rater(self, slug: str, number: int, body: RaterAct) -> RaterSentence:
        """Start a rater's current session over."""
        return cast("RaterSentence", self.transport.act(f"/studies/{slug}/raters/{number}/reset", body))

    def withdraw_rater(self, slug: str, number: int, body: RaterAct) -> RaterSentence:
        """Withdraw a rater."""
        return cast("RaterSentence", self.transport.act(f"/studies/{slug}/raters/{number}/withdraw", body))

    def replace_rater(self, slug: str, number: int, body: RaterAct) -> RaterSentence:
        """Enrol somebody for the block of a rater who has withdrawn."""
        return cast("RaterSentence", self.transport.act(f"/studies/{slug}/raters/{number}/replace", body))

    def mark_unblinded_rater(self, slug: str, number: int, body: RaterAct) -> RaterSentence:
        """Mark unblinded a rater."""
        return cast(
            "RaterSentence", self.transport.act(f"/studies/{slug}/raters/{number}/mark-unblinded", body)
        )

    def list_machines(self) -> list[str]:
        """The folders of this home's models that can read a study."""
        return cast("list[str]", self.transport.get("/machines").json())

    def create_machine_reading(self, slug: str, body: Machine) -> MachineReadingFacts:
        """Let a machine read an open study as a rater of its own; a vision model sees every blinded image
        and may cost money."""
        return cast(
            "MachineReadingFacts", self.transport.create(f"/studies/{slug}/machine-readings", json=body)
        )

    def list_machine_readings(self) -> Iterator[MachineReadingFacts]:
        """List machine readings."""
        return cast("Iterator[MachineReadingFacts]", self.transport.pages("/machine-readings"))

    def get_machine_reading(self, pk: int) -> MachineReadingFacts:
        """Get machine reading."""
        return cast("MachineReadingFacts", self.transport.get(f"/machine-readings/{pk}").json())

    def cancel_machine_reading(self, pk: int) -> MachineReadingFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("MachineReadingFacts", self.transport.act(f"/machine-readings/{pk}/cancel"))

    def resume_machine_reading(self, pk: int) -> MachineReadingFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("MachineReadingFacts", self.transport.act(f"/machine-readings/{pk}/resume"))

    def get_schedule(self, slug: str) -> ScheduleFacts:
        """Until when raters are to read, and when they are reminded."""
        return cast("ScheduleFacts", self.transport.get(f"/studies/{slug}/schedule").json())

    def change_schedule(self, slug: str, body: ScheduleBody) -> ScheduleFacts:
        """Change what is named; null takes it away."""
        return cast("ScheduleFacts", self.transport.act(f"/studies/{slug}/schedule", body, method="PATCH"))

    def get_recruitment(self, slug: str) -> RecruitmentFacts:
        """Get Recruitment."""
        return cast("RecruitmentFacts", self.transport.get(f"/studies/{slug}/recruitment").json())

    def change_recruitment(self, slug: str, body: RecruitmentBody) -> RecruitmentFacts:
        """Change what is named: the door, its places, the names of its parameters, the way back."""
        return cast(
            "RecruitmentFacts", self.transport.act(f"/studies/{slug}/recruitment", body, method="PATCH")
        )

    def get_results(self, slug: str) -> StudyResults:
        """Every number of the report, each with its interval or the reason why there is none; what needs
        the truth is null before."""
        return cast("StudyResults", self.transport.get(f"/studies/{slug}/results").json())

    def get_ratings_csv(self, slug: str) -> bytes:
        """One row per presentation that counts; truth, dataset and finding are empty until the study is
        unblinded."""
        return self.transport.get(f"/studies/{slug}/ratings.csv").content

    def get_machines_csv(self, slug: str) -> bytes:
        """The same of machine raters."""
        return self.transport.get(f"/studies/{slug}/machines.csv").content

    def get_codebook_csv(self, slug: str) -> bytes:
        """Get Codebook Csv."""
        return self.transport.get(f"/studies/{slug}/codebook.csv").content

    def get_remarks_csv(self, slug: str) -> bytes:
        """What raters wrote; the filters of the page (`q`, `session` …) work here too."""
        return self.transport.get(f"/studies/{slug}/remarks.csv").content

    def get_ratings_parquet(self, slug: str) -> bytes:
        """The ratings with the types of their columns; 409 where this site has no writer of it."""
        return self.transport.get(f"/studies/{slug}/ratings.parquet").content

    def create_bundle(self, slug: str, body: Bundle) -> BundleFacts:
        """Put everything into one zip, with scripts that recompute its numbers; a job, its file to be
        fetched from it."""
        return cast("BundleFacts", self.transport.create(f"/studies/{slug}/bundles", json=body))

    def get_bundle_file(self, pk: int) -> bytes:
        """The zip, once its job has succeeded and as long as it lies there (a week)."""
        return self.transport.get(f"/bundles/{pk}/file").content

    def list_bundles(self) -> Iterator[BundleFacts]:
        """List bundles."""
        return cast("Iterator[BundleFacts]", self.transport.pages("/bundles"))

    def get_bundle(self, pk: int) -> BundleFacts:
        """Get bundle."""
        return cast("BundleFacts", self.transport.get(f"/bundles/{pk}").json())

    def cancel_bundle(self, pk: int) -> BundleFacts:
        """A queued or paused job stops at once, a running one between two pieces of work."""
        return cast("BundleFacts", self.transport.act(f"/bundles/{pk}/cancel"))

    def resume_bundle(self, pk: int) -> BundleFacts:
        """A stopped, failed or paused job makes what it lacks."""
        return cast("BundleFacts", self.transport.act(f"/bundles/{pk}/resume"))

    def get_report(self, slug: str, kind: Literal["html", "pdf"]) -> bytes:
        """The report as one file; of a large study the bundle has it, and this is refused."""
        return self.transport.get(f"/studies/{slug}/report.{kind}").content

    def list_study_log(self, slug: str) -> Iterator[EventFacts]:
        """List Study Log."""
        return cast("Iterator[EventFacts]", self.transport.pages(f"/studies/{slug}/log"))

    def get_study_log_csv(self, slug: str) -> bytes:
        """Get Study Log Csv."""
        return self.transport.get(f"/studies/{slug}/log.csv").content

    def verify_now(self, slug: str) -> VerificationFacts:
        """Recompute log, revisions, ratings, orders, manifest and derivatives; the log keeps that it was
        done."""
        return cast("VerificationFacts", self.transport.act(f"/studies/{slug}/verify"))

    def list_imported_ratings(self) -> Iterator[ImportedFacts]:
        """List Imported Ratings."""
        return cast("Iterator[ImportedFacts]", self.transport.pages("/imported-ratings"))

    def import_ratings(self, body: ImportedRatings) -> ImportedFacts:
        """The text of a CSV, or of an export of Label Studio or doccano, in `file`; yours."""
        return cast("ImportedFacts", self.transport.create("/imported-ratings", json=body))

    def get_imported_results(self, slug: str) -> ImportedResults:
        """Every number, and in `imported` what they are of; without a truth the agreement alone."""
        return cast("ImportedResults", self.transport.get(f"/imported-ratings/{slug}/results").json())

    def get_imported_csv(self, slug: str) -> bytes:
        """Get Imported Csv."""
        return self.transport.get(f"/imported-ratings/{slug}/ratings.csv").content

    def remove_imported_ratings(self, slug: str, body: RemovalReason) -> None:
        """With a reason, which the log keeps."""
        self.transport.act(f"/imported-ratings/{slug}/remove", body)

    def list_people(
        self,
        *,
        q: str | None = None,
        role: str | None = None,
        group: str | None = None,
        state: str | None = None,
        factor: str | None = None,
    ) -> Iterator[PersonFacts]:
        """List People."""
        return cast(
            "Iterator[PersonFacts]",
            self.transport.pages("/people", q=q, role=role, group=group, state=state, factor=factor),
        )

    def invite_people(self, body: PeopleInvitations, *, act_token: str = "") -> PeopleInvitedFacts:
        """Make accounts, one address a line or a CSV; an act token, as the page asks for a proof too."""
        return cast(
            "PeopleInvitedFacts", self.transport.act("/people/invitations", body, act_token=act_token)
        )

    def person_details(self, uuid: str, body: PersonDetails, *, act_token: str = "") -> PersonSentence:
        """An act token, as the page asks for a proof too."""
        return cast(
            "PersonSentence", self.transport.act(f"/people/{uuid}/details", body, act_token=act_token)
        )

    def person_role(self, uuid: str, body: PersonRole, *, act_token: str = "") -> PersonSentence:
        """An act token, as the page asks for a proof too."""
        return cast("PersonSentence", self.transport.act(f"/people/{uuid}/role", body, act_token=act_token))

    def person_link(self, uuid: str, body: PersonLink, *, act_token: str = "") -> PersonSentence:
        """An act token, as the page asks for a proof too."""
        return cast("PersonSentence", self.transport.act(f"/people/{uuid}/link", body, act_token=act_token))

    def person_active(self, uuid: str, body: PersonActive, *, act_token: str = "") -> PersonSentence:
        """An act token, as the page asks for a proof too."""
        return cast("PersonSentence", self.transport.act(f"/people/{uuid}/active", body, act_token=act_token))

    def person_factor(self, uuid: str, body: PersonFactor, *, act_token: str = "") -> PersonSentence:
        """An act token, as the page asks for a proof too."""
        return cast("PersonSentence", self.transport.act(f"/people/{uuid}/factor", body, act_token=act_token))

    def list_site_log(self) -> Iterator[EventFacts]:
        """The log of the site: sign-ins, roles, looks, removals, refusals; each study has its own."""
        return cast("Iterator[EventFacts]", self.transport.pages("/log"))

    def start_backup(self) -> BackupSentence:
        """One more backup to where the nightly ones go, as soon as a worker is free."""
        return cast("BackupSentence", self.transport.act("/backups"))

    def get_settings(self) -> SettingsFacts:
        """Get Settings."""
        return cast("SettingsFacts", self.transport.get("/settings").json())

    def change_settings(self, body: SiteSettings, *, act_token: str = "") -> SettingsFacts:
        """Change what is named, by an act token: who must prove themselves how is among it."""
        return cast(
            "SettingsFacts", self.transport.act("/settings", body, act_token=act_token, method="PATCH")
        )

    def erase_person(self, uuid: str, body: Erasing, *, act_token: str = "") -> ErasedFacts:
        """Take a person's identity away for good, by an act token and their `address`; ratings stay, under
        their pseudonyms."""
        return cast("ErasedFacts", self.transport.act(f"/people/{uuid}/erase", body, act_token=act_token))
