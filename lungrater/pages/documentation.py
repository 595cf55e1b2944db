"""The documentation as `make docs` built it, for researchers and admins: it tells what raters of a first phase must not know."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils._os import safe_join
from django.views.decorators.http import require_safe

MAY = "rating.view_study"
# Scripts that a browser runs and that no address is given for: the theme's own few lines.
INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


@permission_required(MAY, raise_exception=True)
@require_safe
def documentation(request: HttpRequest, name: str = "") -> HttpResponseBase:
    file = _file(name)
    if file.is_dir():
        if name and not name.endswith("/"):
            return redirect(f"{request.path}/")
        file /= "index.html"
    if not file.is_file():
        raise Http404
    if file.suffix != ".html":
        return FileResponse(file.open("rb"), content_type=mimetypes.guess_type(file.name)[0])
    page = HttpResponse(file.read_bytes())
    # The theme's icons are data: images inside its stylesheet.
    policy = {"script-src": list(_hashes(file, file.stat().st_mtime_ns)), "img-src": ["data:"]}
    return csp_update(policy)(lambda _: page)(request)


def _file(name: str) -> Path:
    try:
        return Path(safe_join(settings.DOCS_DIR, name))
    except (SuspiciousFileOperation, ValueError) as error:
        raise Http404 from error


@lru_cache(maxsize=256)
def _hashes(file: Path, _written: int) -> tuple[str, ...]:
    """What the policy admits the inline scripts of this page by, and nothing else."""
    scripts = INLINE_SCRIPT.findall(file.read_bytes())
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return tuple(dict.fromkeys(f"'sha256-{digest}'" for digest in digests))
