"""FRD: how far the radiomic features of two sets of images lie apart, by the definition of frd-score 1.0.1."""
