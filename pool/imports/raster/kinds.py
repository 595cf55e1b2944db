"""What kind of file some bytes are, by how they begin, so that nothing is called what it is not."""

from __future__ import annotations

ALLOWED = "PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG 2000 and DICOM are"
BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x93NUMPY", "NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"NRRD0", "NRRD"),
)
ARCHIVES = {"zip", "rar", "7z", "gzip", "bzip2", "xz", "zstd", "tar"}
BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"hevc": "HEIC",
    b"heim": "HEIC",
    b"heis": "HEIC",
}
TAR_MARK = slice(257, 262)
NIFTI_MARK = slice(344, 348)


def kind_of(data: bytes) -> str:
    """The file's kind, empty for one that is not known."""
    for beginning, kind in BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        brands = [data[8:12], *(data[place : place + 4] for place in range(16, min(64, len(data)), 4))]
        return next((BRANDS[brand] for brand in brands if brand in BRANDS), "")
    if data[TAR_MARK] == b"ustar":
        return "tar"
    if data[NIFTI_MARK] in {b"n+1\0", b"ni1\0"}:
        return "NIfTI"
    return ""


def what_it_is(kind: str) -> str:
    """Why a file of a kind that is not taken is refused, in one sentence."""
    if kind in ARCHIVES:
        return f"An archive ({kind}), not an image; import it by itself or unpack it."
    if kind:
        return f"A {kind} file is no allowed image type: {ALLOWED}."
    return f"Not an allowed image type: {ALLOWED}."
