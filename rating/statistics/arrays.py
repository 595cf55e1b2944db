"""The array types of the analysis, by name."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Numbers = npt.ArrayLike  # whatever numpy takes for an array

TINY = 1e-12  # below this a difference is rounding, not variation
