"""What an admin says of a source, what a person searches it for, and which series go into which dataset."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.db import transaction

from audit import record
from outbound.dicomweb import UID, SeriesQuery
from outbound.fetching import FetchError, check_address
from pool.canonical.texts import line
from pool.dicomweb.models import DicomwebSource
from pool.imports.forms import DestinationForm
from pool.models import ImportJob

MOST_SERIES_AT_ONCE = 500
HEADER_TEXT = re.compile(r"[\x21-\x7e]*")
UID_SENTENCE = "A DICOM identifier is of digits and dots, 64 at most."


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """A source, new or changed. The secret is never shown; left empty, it stays."""

    secret = forms.CharField(
        label="Password or token",
        max_length=4000,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It is kept sealed and never shown again. Empty: the one that is kept stays, unless the address leads to another server.",
    )

    class Meta:
        model = DicomwebSource
        fields = ["name", "base_url", "authentication", "user_name", "in_private_network"]

    def clean_name(self) -> str:
        return line(str(self.cleaned_data["name"]))

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).strip().rstrip("/")
        try:
            check_address(url)
        except FetchError as error:
            raise forms.ValidationError(str(error)) from error
        if "?" in url or "#" in url or not HEADER_TEXT.fullmatch(url):
            raise forms.ValidationError("The address ends with the path of the service, in plain letters.")
        return url

    def clean_secret(self) -> str:
        secret = str(self.cleaned_data["secret"])
        if not secret.isprintable():
            raise forms.ValidationError("The password or token is one line.")
        return secret

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        authentication, url = data.get("authentication"), data.get("base_url", "")
        if authentication == DicomwebSource.Authentication.NONE:
            return
        if authentication == DicomwebSource.Authentication.BASIC and not data.get("user_name"):
            self.add_error("user_name", "Give the name that goes with the password.")
        if ":" in (data.get("user_name") or ""):
            self.add_error("user_name", "The name holds no colon.")
        if authentication == DicomwebSource.Authentication.BEARER and not HEADER_TEXT.fullmatch(
            data.get("secret", "")
        ):
            self.add_error("secret", "A token is of plain letters without spaces.")
        if not data.get("secret") and not self._keeps_its_secret():
            self.add_error("secret", "Give the password or the token.")
        if url.lower().startswith("http:") and not data.get("in_private_network"):
            self.add_error(
                "base_url",
                "By http a password can be read on the way: use https, or tick that the server stands in your own network.",
            )

    def _keeps_its_secret(self) -> bool:
        """Whether the secret that is kept may be used on: for the same server, and for the same way in."""
        before = DicomwebSource.objects.filter(pk=self.instance.pk).first()
        if before is None or not before.has_secret or "base_url" not in self.cleaned_data:
            return False
        same_server = urlsplit(before.base_url)[:2] == urlsplit(self.cleaned_data["base_url"])[:2]
        return bool(same_server and before.authentication == self.cleaned_data["authentication"])

    @transaction.atomic
    def save_by(self, person: Any) -> DicomwebSource:
        """The source as it is now; the log says who changed what, and of the secret only that it is another."""
        is_new = self.instance.pk is None
        source: DicomwebSource = self.save(commit=False)
        secret = self.cleaned_data["secret"]
        if source.authentication == DicomwebSource.Authentication.NONE:
            source.user_name = ""
            source.keep_secret("")
        elif secret:
            source.keep_secret(secret)
        source.save()
        record(
            source,
            person,
            "made a DICOMweb source" if is_new else "changed a DICOMweb source",
            name=source.name,
            base_url=source.base_url,
            in_private_network=source.in_private_network,
            changed=sorted(self.changed_data),
        )
        return source


class QueryForm(forms.Form):
    """Which series are searched for; at least one thing is said of them."""

    source = forms.ModelChoiceField(DicomwebSource.objects.all(), empty_label=None)
    first_date = forms.DateField(
        label="Study date from", required=False, widget=forms.DateInput({"type": "date"})
    )
    last_date = forms.DateField(label="to", required=False, widget=forms.DateInput({"type": "date"}))
    modality = forms.CharField(max_length=16, required=False, help_text="As DICOM has it: CT, CR, DX, MR …")
    body_part = forms.CharField(
        max_length=64, required=False, label="Body part", help_text="BodyPartExamined: CHEST, LUNG …"
    )
    patient = forms.CharField(
        max_length=64,
        required=False,
        label="PatientID",
        help_text="It goes to the PACS and is kept nowhere here.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    study = forms.CharField(max_length=64, required=False, label="StudyInstanceUID")
    series = forms.CharField(max_length=64, required=False, label="SeriesInstanceUID")

    def clean_study(self) -> str:
        return _uid(self.cleaned_data["study"])

    def clean_series(self) -> str:
        return _uid(self.cleaned_data["series"])

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if not self.errors and not self.query.parameters:
            raise forms.ValidationError("Say something of the series: a date, a modality, an identifier.")
        first, last = data.get("first_date"), data.get("last_date")
        if first and last and first > last:
            self.add_error("last_date", "It lies before the first date.")

    @property
    def query(self) -> SeriesQuery:
        data = self.cleaned_data
        first, last = data.get("first_date"), data.get("last_date")
        return SeriesQuery(
            study=data.get("study", ""),
            series=data.get("series", ""),
            patient=line(data.get("patient", "")),
            modality=line(data.get("modality", "")),
            body_part=line(data.get("body_part", "")),
            first_date=f"{first:%Y%m%d}" if first else "",
            last_date=f"{last:%Y%m%d}" if last else "",
        )


class SeriesField(forms.MultipleChoiceField):
    """Series, each as “STUDY SERIES” by their identifiers: whichever the source has."""

    def valid_value(self, value: Any) -> bool:
        return True

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > MOST_SERIES_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_SERIES_AT_ONCE} series go into one import.")
        for entry in value:
            uids = str(entry).split()
            if len(uids) != 2 or not all(map(UID.fullmatch, uids)):
                raise forms.ValidationError(
                    f"A series is named by its study's identifier and its own. {UID_SENTENCE}"
                )


class SeriesImportForm(DestinationForm):
    """Series of a source, and the dataset they go into."""

    source = forms.ModelChoiceField(DicomwebSource.objects.all())
    chosen_series = SeriesField(label="Series", error_messages={"required": "Choose at least one series."})

    def submit(self, *, by: Any, enqueue: bool = True) -> ImportJob:
        """An import of these series, waiting for a worker; the log says that it was begun, and names no patient's study."""
        data = self.cleaned_data
        source: DicomwebSource = data["source"]
        with transaction.atomic():
            job = ImportJob(
                dataset=self.target(by),
                slices=data["slices"],
                with_sex_and_age=data["with_sex_and_age"],
                dicomweb_source=source,
                dicomweb_series=[entry.split() for entry in dict.fromkeys(data["chosen_series"])],
                requested_by=by,
            )
            if enqueue:
                job.submit()
            else:
                job.save()
            record(
                job,
                by,
                "began an import by DICOMweb",
                source=source.name,
                dataset=job.dataset.name,
                series=len(job.dicomweb_series),
            )
        return job


def _uid(text: str) -> str:
    uid = str(text).strip()
    if uid and not UID.fullmatch(uid):
        raise forms.ValidationError(UID_SENTENCE)
    return uid
