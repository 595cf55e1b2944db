"""The pool's pages, mounted at /pool/."""

from django.urls import path

from pool.corrections import views as corrections
from pool.dicomweb import views as dicomweb
from pool.imports import views
from pool.publication import views as publication
from pool.release import views as release
from pool.rendering import views as rendering
from pool.uploads import views as uploads
from pool.views import datasets, images

app_name = "pool"

urlpatterns = [
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/<int:pk>/edit", corrections.edit_dataset, name="edit_dataset"),
    path("datasets/<int:pk>/remove", datasets.remove_dataset, name="remove_dataset"),
    path("datasets/<int:pk>/window", rendering.dataset_window, name="dataset_window"),
    path("datasets/<int:pk>/members", datasets.dataset_members, name="dataset_members"),
    path("datasets/<int:pk>/members/join", datasets.join_dataset, name="join_dataset"),
    path("datasets/<int:pk>/releases/", publication.make, name="releases"),
    *publication.pages.urls("releases/"),
    path("releases/<int:pk>/file", publication.release_file, name="release_file"),
    path("releases/<int:pk>/croissant.json", publication.release_croissant, name="release_croissant"),
    path("images/", images.gallery, name="gallery"),
    path("images/correct", images.correct_images, name="correct_images"),
    path("corrections/<int:pk>/", corrections.correction, name="correction"),
    path("corrections/<int:pk>/take-back", corrections.take_back_correction, name="take_back_correction"),
    path("images/<uuid:pk>/", images.image, name="image"),
    path("images/<uuid:pk>/thumbnail", images.thumbnail, name="thumbnail"),
    path("images/<uuid:pk>/file", images.image_file, name="image_file"),
    path("images/<uuid:pk>/exclude", images.exclude, name="exclude"),
    path("images/<uuid:pk>/include", images.include, name="include"),
    path("held/", release.held_files, name="held_files"),
    path("held/discard", release.discard_held_files, name="discard_held_files"),
    path("held/<uuid:pk>/", release.held_file, name="held_file"),
    path("held/<uuid:pk>/image", release.held_image, name="held_image"),
    path("held/<uuid:pk>/readmit", release.readmit_held_file, name="readmit_held_file"),
    path("import/", views.upload, name="upload"),
    path("uploads/", uploads.resumable_uploads, name="resumable_uploads"),
    path("uploads/<uuid:pk>", uploads.resumable_upload, name="resumable_upload"),
    path("dicomweb/", dicomweb.dicomweb, name="dicomweb"),
    path("dicomweb/sources/", dicomweb.dicomweb_sources, name="dicomweb_sources"),
    path("dicomweb/sources/<int:pk>/", dicomweb.dicomweb_source, name="dicomweb_source"),
    path("dicomweb/sources/<int:pk>/remove", dicomweb.remove_dicomweb_source, name="remove_dicomweb_source"),
    *views.pages.urls("imports/"),
    path("imports/<int:pk>/outcomes.csv", views.import_outcomes, name="import_outcomes"),
]
