"""A verdict more, “unknown”; and which images a finding means stands beside its sentences, no more in them."""

import re

from django.db import migrations, models

CODE = re.compile(r"\bI\d{4,}\b")
LISTED = re.compile(r":? *\(?\bI\d{4,}\b[^.]*")


def take_codes_out(apps, _schema_editor):
    """Codes of older findings: out of reason and detail, into a list of their own."""
    for audit in apps.get_model("rating", "BlindingAudit").objects.exclude(findings=[]).iterator():
        for finding in audit.findings:
            codes = CODE.findall(f"{finding['reason']} {finding.get('detail')}")
            finding.setdefault("codes", [[code] for code in sorted(set(codes))])
            if codes:
                finding["reason"] = LISTED.sub("", finding["reason"])
                finding["detail"] = {}
        audit.save(update_fields=["findings"])


class Migration(migrations.Migration):
    dependencies = [("rating", "0014_required_confidence")]

    operations = [
        migrations.AlterField(
            model_name="blindingaudit",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=[("green", "Green"), ("unknown", "Unknown"), ("amber", "Amber"), ("red", "Red")],
                editable=False,
                max_length=7,
            ),
        ),
        migrations.RunPython(take_codes_out, migrations.RunPython.noop),
    ]
