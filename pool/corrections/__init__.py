"""Mending what is said of datasets and images: names, licences, findings and splits, with what stood there before."""
