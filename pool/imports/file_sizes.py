"""How many bytes stored images take: noted when they are stored, measured later for those from before that."""

from __future__ import annotations

from django.core.files.storage import default_storage

from pool.models import Image

AT_ONCE = 500


def measure_files(most: int = AT_ONCE) -> int:
    """Measure some that never were; how many. A file that is not there counts as nothing, and is not asked for again."""
    images = list(Image.objects.filter(file_bytes=None).order_by("pk").only("pk", "file")[:most])
    for image in images:
        try:
            image.file_bytes = default_storage.size(str(image.file.name))
        except FileNotFoundError:
            image.file_bytes = 0
    Image.objects.bulk_update(images, ["file_bytes"])
    return len(images)
