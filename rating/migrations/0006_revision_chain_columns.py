"""Columns for the chain of each sitting's revisions, which the next migration fills."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rating', '0005_answers_of_the_question'),
    ]

    operations = [
        migrations.AddField(
            model_name='ratingrevision',
            name='chain_number',
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='reason',
            field=models.TextField(blank=True, max_length=400),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='reason_nonce',
            field=models.CharField(blank=True, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='reason_sha256',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='remark_nonce',
            field=models.CharField(blank=True, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='remark_sha256',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='sha256',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='ratingrevision',
            name='sitting',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='revisions', to='rating.sitting'),
        ),
        migrations.AddField(
            model_name='sitting',
            name='entered',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddConstraint(
            model_name='ratingrevision',
            constraint=models.UniqueConstraint(fields=('sitting', 'chain_number'), name='revision_once_per_chain'),
        ),
    ]
