"""Triggers of each save find their rows by index, whatever the tables were like when a connection planned them."""

from django.db import migrations

FORWARD = """
ALTER FUNCTION refuse_unless_open() SET enable_seqscan = off;
ALTER FUNCTION refuse_other_answers() SET enable_seqscan = off;
ALTER FUNCTION rating_revision_chain() SET enable_seqscan = off;
"""
BACKWARD = FORWARD.replace("SET enable_seqscan = off", "RESET enable_seqscan")


class Migration(migrations.Migration):
    dependencies = [("rating", "0019_debriefing")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
