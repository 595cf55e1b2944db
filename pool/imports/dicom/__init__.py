"""DICOM files of any make as canonical pixels."""

from pool.imports.dicom.picture import DicomPicture, decode, decode_frames, is_dicom

__all__ = ["DicomPicture", "decode", "decode_frames", "is_dicom"]
