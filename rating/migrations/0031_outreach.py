"""Due dates with reminders, and recruitment by a link."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import rating.studies.randomness
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rating', '0030_pseudonyms_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReadingSchedule',
            fields=[
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='schedule', serialize=False, to='rating.study')),
                ('due_on', models.DateField(blank=True, help_text='Raters read it; nothing closes by itself.', null=True, verbose_name='please finish by')),
                ('days_before', models.PositiveSmallIntegerField(blank=True, help_text='Once. Empty: not.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(60)], verbose_name='remind so many days before')),
                ('idle_days', models.PositiveSmallIntegerField(blank=True, help_text='Counted from the last answer, the last reminder, or the end of the washout. Empty: not.', null=True, validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(60)], verbose_name='remind after so many days of silence')),
                ('most', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10)], verbose_name='reminders to one rater at most')),
            ],
        ),
        migrations.AddField(
            model_name='enrolment',
            name='reminders_stopped_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name='Recruitment',
            fields=[
                ('study', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='recruitment', serialize=False, to='rating.study')),
                ('token', models.CharField(default=rating.studies.randomness.random_token, editable=False, max_length=100, unique=True)),
                ('is_open', models.BooleanField(default=False, help_text='Only while the study is open for rating.', verbose_name='let people in by this link')),
                ('places', models.PositiveSmallIntegerField(default=20, help_text='How many may come in by the link in all.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)])),
                ('participant_name', models.CharField(default='PROLIFIC_PID', max_length=40, validators=[django.core.validators.RegexValidator('^[A-Za-z][A-Za-z0-9_]{0,39}$', 'Letters, digits and _, a letter first, 40 at most.')], verbose_name="parameter with the participant's code")),
                ('outer_study_name', models.CharField(default='STUDY_ID', max_length=40, validators=[django.core.validators.RegexValidator('^[A-Za-z][A-Za-z0-9_]{0,39}$', 'Letters, digits and _, a letter first, 40 at most.')], verbose_name="parameter with the study's code there")),
                ('outer_session_name', models.CharField(default='SESSION_ID', max_length=40, validators=[django.core.validators.RegexValidator('^[A-Za-z][A-Za-z0-9_]{0,39}$', 'Letters, digits and _, a letter first, 40 at most.')], verbose_name="parameter with the session's code there")),
                ('completion_url', models.CharField(blank=True, help_text='Where whoever has finished goes back to, https alone.', max_length=300, validators=[django.core.validators.URLValidator(schemes=['https'])], verbose_name='completion link')),
                ('completion_code', models.CharField(blank=True, help_text='Shown to whoever has finished.', max_length=64, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9._-]{1,64}$', 'Letters, digits, dots, _ and -, 64 at most.')])),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('completion_url', ''), ('completion_url__startswith', 'https://'), _connector='OR'), name='completion_link_is_https')],
            },
        ),
        migrations.CreateModel(
            name='Recruit',
            fields=[
                ('enrolment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='recruit', serialize=False, to='rating.enrolment')),
                ('participant', models.CharField(max_length=64)),
                ('outer_study', models.CharField(blank=True, max_length=64)),
                ('outer_session', models.CharField(blank=True, max_length=64)),
                ('came_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('recruitment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recruits', to='rating.recruitment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('recruitment', 'participant'), name='participant_once_per_study')],
            },
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('occasion', models.CharField(choices=[('due', 'the due date is near'), ('idle', 'nothing was heard')], max_length=4)),
                ('sent_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('enrolment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='rating.enrolment')),
            ],
            options={
                'ordering': ['enrolment', 'number'],
                'constraints': [models.UniqueConstraint(fields=('enrolment', 'number'), name='reminder_number_once_per_rater')],
            },
        ),
    ]
