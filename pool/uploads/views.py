"""Files sent in pieces by tus 1.0.0: each upload is seen, gone on with and dropped by the person who began it alone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import get_object_or_404

from pool.uploads import quotas, staging
from pool.uploads.models import ResumableUpload
from pool.uploads.protocol import (
    CHUNK_TYPE,
    EXTENSIONS,
    METHOD_OVERRIDE,
    VERSION,
    ProtocolError,
    answer,
    check_version,
    expiry,
    metadata_of,
    number_of,
)

may_add = permission_required("pool.add_image", raise_exception=True)

View = Callable[..., HttpResponse]


@transaction.non_atomic_requests  # a piece may take minutes to come, no transaction waits for it
@may_add
def resumable_uploads(request: HttpRequest) -> HttpResponse:
    """OPTIONS: what this site speaks. POST: a new upload. GET: one's own, so that a page finds them again."""
    if request.method in ("GET", "HEAD"):
        return _own(request)
    return _answered(request, {"POST": _create})


@transaction.non_atomic_requests
@may_add
def resumable_upload(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """HEAD: how much is here. PATCH: the next piece. DELETE: drop it."""
    _reached(request, pk)  # whatever is asked of it: to everybody else it is not there
    return _answered(request, {"HEAD": _tell, "PATCH": _append, "DELETE": _drop}, pk)


def _answered(request: HttpRequest, views: dict[str, View], *keys: uuid.UUID) -> HttpResponse:
    method = request.method or ""
    if method == "POST":  # only so, since what is no POST is not held against forged requests in the same way
        method = request.headers.get(METHOD_OVERRIDE, method)
    try:
        if method == "OPTIONS":
            return answer(204, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Max_Size=quotas.largest())
        if method not in views:
            raise ProtocolError(405, "", {"Allow": ", ".join(["OPTIONS", *views])})
        check_version(request.headers.get("Tus-Resumable"))
        return views[method](request, *keys)
    except ProtocolError as error:
        return error.response()


def _own(request: HttpRequest) -> HttpResponse:
    rows = []
    for upload in ResumableUpload.objects.owned_by(request.user):
        try:
            offset = staging.offset_of(upload)
        except staging.GoneError:
            staging.drop(upload)
            continue
        rows.append(
            {
                "key": str(upload.pk),
                "url": upload.get_absolute_url(),
                "name": upload.name,
                "is_pack": upload.is_pack,
                "fingerprint": upload.fingerprint,
                "length": upload.length,
                "offset": offset,
                "is_complete": upload.is_complete,
            }
        )
    return JsonResponse({"uploads": rows}, headers={"Cache-Control": "no-store"})


def _create(request: HttpRequest) -> HttpResponse:
    if "Upload-Defer-Length" in request.headers:
        raise ProtocolError(400, "An upload says its length when it is created.")
    length = number_of(request.headers.get("Upload-Length"), "Upload-Length")
    metadata = metadata_of(request.headers.get("Upload-Metadata", ""))
    upload = quotas.create(request.user, length, metadata)
    return answer(201, Location=upload.get_absolute_url(), Upload_Expires=expiry(upload.expires_at))


def _tell(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    upload = _reached(request, pk)
    return answer(
        200,
        Upload_Offset=_offset(upload),
        Upload_Length=upload.length,
        Upload_Expires=expiry(upload.expires_at),
    )


def _append(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    upload = _reached(request, pk)
    if request.headers.get("Content-Type") != CHUNK_TYPE:
        raise ProtocolError(415, f"A piece comes as {CHUNK_TYPE}.")
    offset = number_of(request.headers.get("Upload-Offset"), "Upload-Offset")
    if "Content-Length" not in request.headers:
        raise ProtocolError(411, "A piece says its length.")
    length = number_of(request.headers["Content-Length"], "Content-Length")
    if upload.is_complete or offset != _offset(upload):
        return _at_complete(upload, offset, length)
    quotas.check_room()
    try:
        with staging.appending(upload) as (file, size):
            if offset != size:
                raise ProtocolError(409, "The offset is another one.")
            if size + length > upload.length:
                raise ProtocolError(413, "The piece is longer than what is missing.")
            reached = size + staging.append(file, _pieces(request, length))
            if not ResumableUpload.objects.filter(pk=pk).update(touched_at=Now()):
                raise ProtocolError(404, "The upload was dropped meanwhile.")
            if reached == upload.length:
                staging.settle(upload)
    except staging.BusyError:
        raise ProtocolError(409, "Another request is sending this upload.") from None
    except staging.GoneError:
        raise _why_gone(pk) from None
    upload.refresh_from_db()
    return answer(204, Upload_Offset=reached, Upload_Expires=expiry(upload.expires_at))


def _why_gone(pk: uuid.UUID) -> ProtocolError:
    if ResumableUpload.objects.complete().filter(pk=pk).exists():  # another request has just ended it
        return ProtocolError(409, "The offset is another one.")
    return ProtocolError(404, "The upload is gone; begin it again.")


def _at_complete(upload: ResumableUpload, offset: int, length: int) -> HttpResponse:
    """An empty piece at the end of a complete file changes nothing; every other one is at a wrong place."""
    if upload.is_complete and offset == upload.length and not length:
        return answer(204, Upload_Offset=offset)
    raise ProtocolError(409, "The offset is another one.")


def _drop(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    if not staging.drop(_reached(request, pk)):
        raise ProtocolError(404, "")
    return answer(204)


def _reached(request: HttpRequest, pk: uuid.UUID) -> ResumableUpload:
    return get_object_or_404(ResumableUpload.objects.owned_by(request.user), pk=pk)


def _offset(upload: ResumableUpload) -> int:
    try:
        return staging.offset_of(upload)
    except staging.GoneError:
        staging.drop(upload)
        raise ProtocolError(404, "The upload is gone; begin it again.") from None


def _pieces(request: HttpRequest, length: int) -> Iterator[bytes]:
    """The body as it comes; where the line breaks, or is too slow, it ends, and what came until then stays."""
    while length > 0:
        try:
            piece = request.read(min(staging.PIECE, length))
        except UnreadablePostError:
            return
        if not piece:
            return
        length -= len(piece)
        yield piece
