"""The name, the source and the version of every method, to travel with its numbers."""

from functools import cache
from importlib.metadata import version

METHODS = {
    "percent_agreement": "Percent agreement: the mean over images of the share of agreeing pairs of raters; Gwet 2014.",
    "cohen_kappa": "Cohen's kappa; Cohen 1960, standard error of Fleiss, Cohen & Everitt 1969, normal interval.",
    "light_kappa": "Light's kappa, the mean of Cohen's kappa over pairs of raters; Light 1971, infinitesimal jackknife.",
    "fleiss_kappa": "Fleiss' kappa; Fleiss 1971, missing ratings by Gwet 2014, standard error of Gwet 2021.",
    "conger_kappa": "Conger's kappa; Conger 1980, missing ratings by Gwet 2014, linearised standard error.",
    "scott_pi": "Scott's pi; Scott 1955, standard error of Gwet 2021.",
    "krippendorff_alpha": "Krippendorff's alpha, nominal; Krippendorff 2011, linearised standard error (Gwet 2014).",
    "gwet_ac1": "Gwet's AC1 over the declared labels; Gwet 2008.",
    "gwet_ac2": "Gwet's AC2 and the other weighted coefficients, linear weights over real, unsure, fake; Gwet 2014.",
    "krippendorff_ordinal": "Krippendorff's alpha with Krippendorff's ordinal metric (not Gwet's weights), jackknife over images; "
    "Krippendorff 2011.",
    "krippendorff_interval": "Krippendorff's alpha with the interval metric, of scales and numbers, jackknife over images; Krippendorff 2011.",
    "brennan_prediger": "Brennan-Prediger coefficient over the declared labels; Brennan & Prediger 1981, Gwet 2014.",
    "raters_like_these": "Images by linearisation and raters by jackknife; Gwet 2014, Satterthwaite degrees of freedom.",
    "proportion": "Wilson's score interval; Wilson 1927, Newcombe 1998.",
    "difference": "Newcombe's hybrid score interval; Newcombe 1998.",
    "chance": "Exact binomial test of the decided calls, two-sided by likelihood; Fisher's exact test of call by truth.",
    "mcnemar": "McNemar's test; McNemar 1947, exact binomial p; the difference of shares with Tango's score interval (1998).",
    "cochran_q": "Cochran's Q; Cochran 1950.",
    "holm": "Holm's step-down adjustment; Holm 1979.",
    "these_raters": "Mean of the raters' own numbers, images sampled and raters fixed: variance of the images' mean influence, real and fake "
    "apart; Student's t, by the logit where that would leave 0 to 1.",
    "d_prime": "d′ and criterion c at two cuts, the same for both kinds of image (“fake” against the rest; “fake” or “unsure” against “real”), log-linear correction; Hautus 1995, standard error of Gourevitch & Galanter 1967.",
    "auc": "AUC over real < unsure < fake, ties half; DeLong, DeLong & Clarke-Pearson 1988.",
    "auc_readers": "Reader-averaged AUC; Obuchowski & Rockette 1995, degrees of freedom of Hillis 2007.",
    "auc_u_statistic": "Reader-averaged AUC of any design as a U-statistic, centred moments; Gallas & Brown 2008, "
    "degrees of freedom of Obuchowski, Gallas & Hillis 2012.",
    "kinds_of_fakes": "Differences between generators and modalities: U-statistic, paired by rater and by the real images in "
    "common, nested by fakes; else Obuchowski & Rockette 1995; of one rater DeLong et al. 1988, Newcombe 1998 with Fisher's test.",
    "equivalence": "Two one-sided tests against a margin declared beforehand; Schuirmann 1987. Accuracy only where “unsure” is half or left out; never within while the AUC is not.",
    "forced_choice": "Proportion found with Clopper & Pearson's interval and the exact binomial test against chance; d′ of pairs and "
    "the leaning to one side by Macmillan & Creelman 2005, ch. 7, log-linear correction (Hautus 1995).",
    "arena": "Strengths by Bradley & Terry 1952, ties by Davidson 1970; pairs of images as clusters for these raters (Liang & Zeger 1986), "
    "raters too for raters like these (Cameron, Gelbach & Miller 2011); one scale by likelihood ratio, raters who differ by permutation.",
    "unsure": "Unsure by four policies (exclude, wrong, right, half); Simel 1987, Shinkins 2013, STARD 2015 item 15.",
    "marginal_homogeneity": "Stuart 1955 and Maxwell 1970, Bhapkar 1966; labels without disagreement left out. Prevalence and bias index: Byrt, "
    "Bishop & Carlin 1993.",
    "boundary": "Near a boundary and up to 200 images: goodness of fit for two raters' kappa (Donner & Eliasziw 1992), Wilson for shares, BCa over "
    "images for more raters (Efron 1987); of one rater's AUC the logit.",
    "usability": "System Usability Scale; Brooke 1996, mean over raters with Student's t interval, not cut to 0 … 100.",
    "times": "Median and quartiles of the active time per case; interval of the median by order statistics (binomial).",
    "trend": "Least-squares slope along the sitting per rater, Student's t over raters.",
    "kappa_size": "Goodness-of-fit sample size for kappa; Donner & Eliasziw 1992, Altaye, Donner & Klar 2001.",
    "reader_power": "Power over random raters and images; Hillis, Obuchowski & Berbaum 2011.",
}


def versions() -> dict[str, str]:
    """The versions of what computed the numbers."""
    return {name: _version(name) for name in ("lungrater", "numpy", "scipy")}


# Read from files, and asked for with every study of a list.
_version = cache(version)
