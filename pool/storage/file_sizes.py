"""How many bytes stored images take: noted when they are stored, measured later for those from before that."""

from __future__ import annotations

from django.core.files.storage import default_storage

from pool.models import Image

AT_ONCE = 500


def measure_files(most: int = AT_ONCE) -> int:
    """Measure some that never were; how many. A file that is not there counts as nothing, and is not asked for again."""
    images = list(Image.objects.filter(file_bytes=None).order_by("pk").only("pk", "file", "values")[:most])
    for image in images:
        try:
            names = [str(file.name) for file in (image.file, image.values) if file]
            image.file_bytes = sum(default_storage.size(name) for name in names)
        except FileNotFoundError:
            image.file_bytes = 0
    Image.objects.bulk_update(images, ["file_bytes"])
    return len(images)
