"""The bugs that mutants.py plants: a file, what stands there, what stands there with the bug, the nearest tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """`tests` are the words given to pytest; `before` stands in `file` exactly once."""

    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def _in(file: str, *tests: str, **replacements: tuple[str, str]) -> list[Bug]:
    return [Bug(file, before, after, tests) for before, after in replacements.values()]


STATISTICS = "rating/statistics"
WORKED = "tests/rating/statistics/test_worked_examples.py"
TRUTH = "tests/rating/statistics/test_diagnostic_accuracy.py"
ERRORS = "tests/rating/statistics/test_standard_errors.py"
PLANNING = "tests/rating/statistics/test_planning_and_published.py"
PROPERTIES = "tests/rating/statistics/test_properties.py"
ORACLE = "tests/generation/diffusion/test_oracle.py"
AVERAGES = "tests/generation/diffusion/test_averaged_weights.py"
LEARNER = "tests/generation/diffusion/test_learner.py"
APART = "tests/generation/diffusion/test_training_apart.py"
DISTANCES = "tests/generation/metrics/test_distances.py"
JOBS = "tests/pool/test_jobs.py"
DICOM = "tests/pool/test_dicom.py"
ANSWERS = "tests/rating/reading/test_answers.py"
ORDERING = "tests/rating/studies/test_ordering.py"
CSV = "tests/rating/results/test_ratings_csv.py"
SCORES = "tests/generation/classifiers/test_scores.py"

AGREEMENT = [
    *_in(
        f"{STATISTICS}/agreement/weights.py",
        WORKED,
        PROPERTIES,
        linear_weight=("1 - _distance(q) / (q - 1)", "1 - _distance(q) / q"),
        quadratic_weight=("_distance(q) ** 2 / (q - 1) ** 2", "_distance(q) ** 2 / q**2"),
        ordinal_weight=("1 - d * (d + 1) / (q * (q - 1))", "1 - d * (d + 1) / (q * (q + 1))"),
    ),
    *_in(
        f"{STATISTICS}/agreement/coefficients.py",
        WORKED,
        krippendorff_term=("(plain + (1 - plain) / total - pe)", "(plain - pe)"),
        gwet_scale=("items.weights.sum() / (q * (q - 1))", "items.weights.sum() / (q * q)"),
        brennan_prediger=("items.counts.shape[1] ** 2", "items.counts.shape[1]"),
        fleiss_influence=("Chance(pe, 2 * (share @ near) - pe)", "Chance(pe, share @ near)"),
        own_pairs=("np.maximum(size * (size - 1), 1)", "np.maximum(size * size, 1)"),
        degrees_of_freedom=("df=len(items.size) - 1)", "df=len(items.size) - 2)"),
    ),
    *_in(
        f"{STATISTICS}/agreement/cohen.py",
        WORKED,
        PROPERTIES,
        null_variance=("null_variance = pe + pe**2 - float", "null_variance = pe - float"),
        influence_of_chance=("- 2 * chance[:, None, None]", "- chance[:, None, None]"),
    ),
    *_in(
        f"{STATISTICS}/agreement/alpha.py",
        WORKED,
        PROPERTIES,
        ERRORS,
        ordinal_metric=("np.cumsum(margins, axis=-1) - margins / 2", "np.cumsum(margins, axis=-1) - margins"),
        small_sample=("        n - 1, 1\n", "        n, 1\n"),
        small_sample_of_numbers=("np.maximum(n - 1, 1)", "np.maximum(n, 1)"),
        jackknife=("np.sqrt((n - 1) / n * np.sum(", "np.sqrt(1 / n * np.sum("),
    ),
]

PROPORTIONS = [
    *_in(
        f"{STATISTICS}/proportions.py",
        WORKED,
        wald_for_wilson=("middle = (x + z**2 / 2) / (n + z**2)", "middle = x / n"),
        clopper_pearson_low=("scipy.stats.beta.ppf(a, x, n - x + 1)", "scipy.stats.beta.ppf(a, x, n - x)"),
        clopper_pearson_high=(
            "scipy.stats.beta.ppf(1 - a, x + 1, n - x)",
            "scipy.stats.beta.ppf(1 - a, x, n - x)",
        ),
        jeffreys=(
            "scipy.stats.beta.ppf(a, x + 0.5, n - x + 0.5)",
            "scipy.stats.beta.ppf(a, x + 1, n - x + 1)",
        ),
        newcombe=("np.hypot(p1 - l1, u2 - p2)", "np.hypot(p1 - l1, p2 - l2)"),
        miettinen_nurminen=(" * (n1 + n2) / (n1 + n2 - 1)", ""),
    ),
    *_in(
        f"{STATISTICS}/estimate.py",
        WORKED,
        TRUTH,
        one_sided=("stdtrit(df, (1 + confidence) / 2)) * se\n", "stdtrit(df, confidence)) * se\n"),
        exact_bound=("((1 - confidence) / 2) ** (1 / n)", "(1 - confidence) ** (1 / n)"),
        items_of_variance=("np.sum(influence**2) / (n * (n - 1))", "np.sum(influence**2) / (n * n)"),
    ),
]

ACCURACY = [
    *_in(
        f"{STATISTICS}/accuracy/detection.py",
        WORKED,
        TRUTH,
        d_prime_correction=("(hits + 0.5) / (signal + 1)", "(hits + 0.5) / (signal + 0.5)"),
        criterion_sign=("_normal(-(zh + zf) / 2,", "_normal((zh + zf) / 2,"),
        criterion_error=("se / 2, confidence)", "se, confidence)"),
    ),
    *_in(
        f"{STATISTICS}/accuracy/roc.py",
        WORKED,
        TRUTH,
        hanley_mcneil=("2 * area**2 / (1 + area)", "area**2 / (1 + area)"),
        paired_difference=("- 2 * covariances[0, 1], 0.0", ", 0.0"),
    ),
    *_in(
        f"{STATISTICS}/accuracy/unsure.py",
        TRUTH,
        policy=("np.where(doubt, worth, right)", "np.where(doubt, 0.0, right)"),
    ),
    *_in(
        f"{STATISTICS}/accuracy/diagnostic_accuracy.py",
        TRUTH,
        scale_of_unsure=('"unsure": 1,', '"unsure": 0,'),
    ),
    *_in(
        f"{STATISTICS}/accuracy/equivalence.py",
        TRUTH,
        WORKED,
        interval_of_the_test=("confidence=1 - 2 * alpha", "confidence=1 - alpha"),
        either_side=("p = max(p_low, p_high)", "p = min(p_low, p_high)"),
    ),
    *_in(
        f"{STATISTICS}/planning.py",
        WORKED,
        PLANNING,
        raters_of_power=("(noise + (raters - 1) * shared)", "(noise + raters * shared)"),
        common_correlation=("(1 - kappa) * p**raters", "(1 - kappa) * p**2"),
    ),
    *_in(
        f"{STATISTICS}/mrmc/moments.py",
        WORKED,
        PROPERTIES,
        sign_of_the_variance=(
            "covariance=-float(sign @ self.numerator)",
            "covariance=float(sign @ self.numerator)",
        ),
    ),
    *_in("pool/placements.py", WORKED, SCORES, ties=('side="left") + ', 'side="right") + ')),
]

QUALITY = [
    *_in(
        "generation/metrics/distances.py",
        DISTANCES,
        cross_term=("total_variance - 2 * shared", "total_variance - shared"),
        covariance=("np.sqrt(len(values) - 1)", "np.sqrt(len(values))"),
        place_of_the_interval=("_quantiles(resampled - resampled.mean())", "_quantiles(resampled - value)"),
    ),
    *_in(
        "generation/metrics/kernels.py",
        DISTANCES,
        degree_of_the_kernel=("        cubed *= inner\n", ""),
        pairs_with_itself=("            np.fill_diagonal(similarities, 0)\n", "            pass\n"),
    ),
    *_in(
        "generation/metrics/prdc.py",
        "tests/generation/metrics/test_coverage.py",
        nearest_neighbour=(
            "np.partition(squared, neighbours, axis=1)[:, neighbours]",
            "np.partition(squared, neighbours, axis=1)[:, neighbours - 1]",
        ),
        density=("in_real_balls / neighbours, coverage", "in_real_balls, coverage"),
    ),
    *_in(
        "generation/metrics/nearest.py",
        "tests/generation/metrics/test_nearest.py",
        its_own_neighbour=("        if leave_self_out:\n", "        if False:\n"),
    ),
    *_in(
        "generation/classifiers/scores.py",
        SCORES,
        ties_of_the_auc=("np.cumsum(below, axis=1) - below / 2", "np.cumsum(below, axis=1)"),
        f1=("2 * hits / (there + predicted)", "hits / (there + predicted)"),
    ),
    *_in("generation/classifiers/comparisons.py", SCORES, paired=(" - 2 * covariances[0, 1]", "")),
    *_in(
        "pool/splits.py",
        "tests/pool/test_splits.py",
        patient_on_both_sides=(".exclude(patient_key__in=tested)", ""),
    ),
]

DIFFUSION = [
    *_in(
        "generation/diffusion/exporting/arguments.py",
        ORACLE,
        leading_spacing=('"timestep_spacing": "trailing"', '"timestep_spacing": "leading"'),
        clipped_latents=("in_pixels = not config.latent", "in_pixels = True"),
        unclipped_pixels=('"clip_sample": in_pixels', '"clip_sample": False'),
        divided_by_nothing=('if config.objective == "epsilon" else -math.inf', "if False else -math.inf"),
    ),
    *_in(
        "generation/diffusion/objectives.py",
        ORACLE,
        weightless_noise=(
            "(snr.clamp(max=config.min_snr_gamma) / snr)",
            "((snr - 1).clamp(max=config.min_snr_gamma) / snr)",
        ),
        velocity=("signal * noise - share * clean\n", "signal * noise + share * clean\n"),
        direction_of_the_flow=("noise - clean)", "clean - noise)"),
        time_told=("net(noisy, times * self.timesteps,", "net(noisy, times,"),
    ),
    *_in(
        "generation/diffusion/config.py",
        ORACLE,
        sampler_that_cannot=('lost and name == "ddpm"', 'lost and name == "none"'),
    ),
    *_in(
        "generation/diffusion/networks/latent_space.py",
        ORACLE,
        scale_of_latents=("values.float() * self.deviation + self.mean", "values.float() + self.mean"),
    ),
    *_in(
        "generation/diffusion/run.py",
        "tests/generation/diffusion/test_processes_in_step.py",
        each_looks_for_itself=(
            "group.first((checkpoint.latest(run), checkpoint.newest_kept(run)))",
            "checkpoint.latest(run), checkpoint.newest_kept(run)",
        ),
    ),
    *_in(
        "generation/diffusion/trainer.py",
        AVERAGES,
        warm_up_of_the_average=("(1 + self.step) / (10 + self.step)", "(1 + self.step) / (9 + self.step)"),
        checkpoint_of_the_trained=("{**self.averaged.state_dict(),", "{**self.net.state_dict(),"),
        samples_of_the_trained=(
            "return sample(\n            self.averaged,",
            "return sample(\n            self.net,",
        ),
        labels_hidden=("< config.label_dropout", "< config.label_dropout / 2"),
        another_label_for_none=(
            "masked_fill(draw.hidden, self.config.null_class)",
            "masked_fill(draw.hidden, 0)",
        ),
    ),
    *_in(
        "generation/diffusion/networks/network.py",
        LEARNER,
        guidance=("uncond + scales[0] * (cond - uncond)", "cond + scales[0] * (cond - uncond)"),
    ),
    *_in(
        "generation/diffusion/learner.py",
        LEARNER,
        unclipped_gradients=(
            "torch.nn.utils.clip_grad_norm_(self.weights, float(self.config.clip_gradient))",
            "pass",
        ),
        warm_up=("(self.step + 1) / max(1, config.warmup)", "self.step / max(1, config.warmup)"),
        half_the_rate=(" * 0.5**self.turn", ""),
    ),
    *_in(
        "generation/diffusion/process.py",
        f"{APART}::test_training_ends_with_the_process_that_wanted_it_once_its_very_step_is_saved",
        leaves_before_it_saved=("    speaker.stop()\n    time.sleep(launch.SAVES_WITHIN)\n", ""),
    ),
    *_in(
        "generation/diffusion/process.py",
        f"{APART}::test_a_run_that_ends_by_itself_leaves_no_word_of_a_crash",
        fatal_at_the_end=("    while os.read(0, 1024):\n        pass\n", "    sys.stdin.buffer.read()\n"),
    ),
    *_in(
        "generation/diffusion/run.py",
        f"{APART}::test_stopping_saves_the_very_step",
        stops_unsaved=(
            "        except TrainingStoppedError:\n            manager.save_to_go_on()\n",
            "        except TrainingStoppedError:\n",
        ),
    ),
    *_in(
        "generation/diffusion/networks/autoencoder.py",
        f"{APART}::test_stopping_saves_the_autoencoder_at_its_very_step",
        stops_unsaved=(
            "            except TrainingStoppedError:\n                self._save()\n",
            "            except TrainingStoppedError:\n",
        ),
    ),
    *_in(
        "generation/images/engines/pipeline.py",
        "tests/generation/images/test_pipeline.py::test_a_sampler_chosen_for_a_pipeline_clips_pixels_and_never_latents",
        clipped_latents=("clip_sample=False) if in_latents", "clip_sample=True) if in_latents"),
    ),
]

SITE = [
    *_in(
        "jobs/models.py",
        JOBS,
        two_claims=(
            "filter(pk=self.pk, state=self.State.QUEUED)\n        with transaction",
            "filter(pk=self.pk)\n        with transaction",
        ),
        beat_of_the_lost=(
            "state=Job.State.RUNNING, attempts=job.attempts)",
            "state=Job.State.RUNNING)",
        ),
        stays_to_the_end=("if self.leaves_early and shutting_down.is_set()", "if False"),
        gives_up_too_soon=("            if done > self.done:\n", "            if False:\n"),
    ),
    *_in(
        "pool/storage/insertion.py",
        "tests/pool/test_splits.py",
        key_without_secret=(
            'salted_hmac("pool.patient", identifier, algorithm',
            'salted_hmac("pool.patient", identifier, secret="lungs", algorithm',
        ),
    ),
    *_in(
        "pool/imports/dicom/display.py",
        DICOM,
        voi_linear=(
            "centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2",
            "centre - width / 2, centre + width / 2",
        ),
        voi_sigmoid=("-4 * (values - centre) / width", "-2 * (values - centre) / width"),
        monochrome1=('if photometric == "MONOCHROME1"', 'if photometric == "MONOCHROME3"'),
    ),
    *_in(
        "rating/results/export/ratings_csv.py",
        CSV,
        remark_unguarded=('"generator", "remark", "reasons"})', '"generator", "reasons"})'),
        remark_unguarded_in_pages=(
            "for place in (dataset, finding, remark):",
            "for place in (dataset, finding):",
        ),
    ),
    *_in(
        "rating/reading/rating.py",
        ANSWERS,
        retry_refused=(
            "        if revision.client_key == client_key:\n            return rating\n",
            "",
        ),
        corrected_against_the_rule=(
            "if revision.client_key != replaces or not rating.presentation.may_be_corrected()",
            "if revision.client_key != replaces",
        ),
    ),
    *_in(
        "lungrater/embedded/turns.py",
        "tests/lungrater/test_turns.py",
        saves_wait=("is_save or self._changed", "self._changed"),
        turn_kept=("            self._at_work -= 1\n", ""),
    ),
    *_in(
        "rating/studies/sittings/ordering.py",
        ORDERING,
        run_too_long=("    if run_after > bound:\n", "    if run_after > bound + 1:\n"),
        repeat_too_soon=("pick + gap + 1, n + 1)", "pick + 1, n + 1)"),
        one_seed_for_all_attempts=("{session}:{attempt}", "{session}"),
        uneven_blocks=("place % blocks + 1", "min(place, blocks - 1) + 1"),
    ),
]

BUGS = [*AGREEMENT, *PROPORTIONS, *ACCURACY, *QUALITY, *DIFFUSION, *SITE]
