"""DICOM files of any make as canonical pixels."""

from pool.imports.dicom.image import DicomImage, decode, decode_frames, is_dicom

__all__ = ["DicomImage", "decode", "decode_frames", "is_dicom"]
