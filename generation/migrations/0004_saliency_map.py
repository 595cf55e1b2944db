from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generation", "0003_image_specs_and_no_heartbeats")]

    operations = [migrations.RenameField("utilityexplanation", "picture", "saliency_map")]
