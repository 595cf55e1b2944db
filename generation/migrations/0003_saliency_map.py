from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_longer_findings")]

    operations = [migrations.RenameField("utilityexplanation", "picture", "saliency_map")]
