"""Grey levels and frequencies of two arms: what a generator gets wrong before anatomy comes in.

Images are arrays of one size, images × side × side (× 3), in eight bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

BINS = 32
BAND = (5.0, 95.0)
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"


@dataclass(frozen=True, slots=True)
class Profile:
    """One curve for each image of an arm (images × places), and where the places lie."""

    places: Floats
    curves: Floats

    def band(self) -> dict[str, list[float]]:
        """The mean curve, and the band that holds nine of ten images at each place."""
        low, high = np.percentile(self.curves, BAND, axis=0)
        curves_by_name = {"at": self.places, "mean": self.curves.mean(axis=0), "low": low, "high": high}
        return {name: np.round(values, 5).tolist() for name, values in curves_by_name.items()}


def greys(images: Bytes) -> Floats:
    """The images in grey, 0 to 1."""
    wide = images.astype(np.float64) / 255
    return np.asarray(wide @ np.array(LUMA) if wide.ndim == 4 else wide)


def histograms(images: Bytes) -> Profile:
    """The share of pixels in each of `BINS` steps of grey."""
    edges = np.linspace(0, 1, BINS + 1)
    curves = np.stack([np.histogram(grey, edges)[0] / grey.size for grey in greys(images)])
    return Profile((edges[:-1] + edges[1:]) / 2, curves)


def radial_spectra(images: Bytes) -> Profile:
    """log10 of the mean power on each ring of the spectrum, from one wave per image to the Nyquist frequency.

    Mean grey is taken off and a Hann window laid over, so that neither brightness nor the edges leak in.
    Places are in cycles per pixel, 0 to 0.5.
    """
    side = images.shape[1]
    window = np.outer(np.hanning(side), np.hanning(side))
    frequency = np.fft.fftfreq(side)
    ring = np.rint(np.hypot(frequency[:, None], frequency[None, :]) * side).astype(int)
    inside = (ring >= 1) & (ring <= side // 2)
    number = np.bincount(ring[inside])[1:]
    curves = []
    for grey in greys(images):
        power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
        curves.append(np.log10(np.bincount(ring[inside], power[inside])[1:] / number + 1e-12))
    return Profile(np.arange(1, side // 2 + 1) / side, np.stack(curves))


def grey_distance(real: Profile, fake: Profile) -> float:
    """The earth mover's distance between the arms' mean histograms, in shares of the grey scale (0 to 1)."""
    from scipy.stats import wasserstein_distance

    return float(
        wasserstein_distance(real.places, fake.places, real.curves.mean(axis=0), fake.curves.mean(axis=0))
    )


def spectral_distance(real: Profile, fake: Profile) -> float:
    """The root mean square difference of the arms' mean log spectra, in decades of power."""
    difference = real.curves.mean(axis=0) - fake.curves.mean(axis=0)
    return float(np.sqrt((difference**2).mean()))
