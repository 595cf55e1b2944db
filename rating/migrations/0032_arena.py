"""The arena: which of two images looks more real, and, where the study lets them, that both look alike."""

from django.db import migrations, models

ANSWERS = """
CREATE OR REPLACE FUNCTION refuse_other_answers() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wrong text;
BEGIN
    SELECT format('“%s” is no answer in session %s of a study of the design “%s”', given.label, sitting.session, study.design)
        INTO wrong
        FROM given
        JOIN rating_presentation presentation ON presentation.id = given.presentation_id
        JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
        JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
        JOIN rating_study study ON study.id = enrolment.study_id
        WHERE given.label <> ALL (
            CASE
                WHEN study.design = 'pair' THEN ARRAY['1', '2']
                ARENA
                WHEN study.design = 'quartet' THEN ARRAY['1', '2', '3', '4']
                WHEN study.design = 'two-phase' AND sitting.session = 1 THEN ARRAY['usual', 'unusual', 'unsure']
                ELSE ARRAY['real', 'fake', 'unsure']
            END
        )
        LIMIT 1;
    IF wrong IS NULL AND EXISTS (SELECT FROM given WHERE second_answers <> '{}' OR second_texts <> '{}') THEN
        SELECT format('the study asks no second question “%s”', codes.code)
            INTO wrong
            FROM given
            JOIN rating_presentation presentation ON presentation.id = given.presentation_id
            JOIN rating_sitting sitting ON sitting.id = presentation.sitting_id
            JOIN rating_enrolment enrolment ON enrolment.id = sitting.enrolment_id
            JOIN rating_study study ON study.id = enrolment.study_id
            CROSS JOIN LATERAL jsonb_object_keys(given.second_answers || given.second_texts) codes(code)
            WHERE NOT study.second_questions @> jsonb_build_array(jsonb_build_object('code', codes.code))
            LIMIT 1;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""
OF_ARENA = """WHEN study.design = 'arena' AND NOT study.must_choose THEN ARRAY['1', '2', 'tie']
                WHEN study.design = 'arena' THEN ARRAY['1', '2']"""
FORWARD, BACKWARD = ANSWERS.replace("ARENA", OF_ARENA), ANSWERS.replace("ARENA", "")
LABELS = [
    ("real", "Real"),
    ("fake", "Fake"),
    ("unsure", "Unsure"),
    ("usual", "Usual"),
    ("unusual", "Unusual"),
    ("1", "1"),
    ("2", "2"),
    ("3", "3"),
    ("4", "4"),
    ("tie", "Both alike"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("rating", "0031_outreach"),
    ]

    operations = [
        migrations.AddField(
            model_name="study",
            name="contender",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Only for an arena: its model, else its engine, else its dataset; “real images” for real ones. Of two generators it may stay empty.",
                max_length=200,
                verbose_name="generator of the primary result",
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="opponent",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Named likewise.",
                max_length=200,
                verbose_name="compared with",
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="match_findings",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Only for an arena: as its datasets name it.",
                verbose_name="both images of a pair have the same finding",
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="must_choose",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Only for an arena: without it they may say that both look alike.",
                verbose_name="raters must choose one of the two",
            ),
        ),
        migrations.AlterField(
            model_name="study",
            name="design",
            field=models.CharField(
                choices=[
                    ("single", "One image at a time: real, fake or unsure"),
                    ("two-phase", "First a session that does not tell the purpose, then real, fake or unsure"),
                    ("pair", "Forced choice: two images side by side, which one is it?"),
                    ("quartet", "Forced choice: four images at a time, which one is it?"),
                    (
                        "arena",
                        "Generator arena: images of two generators side by side, which one looks more real?",
                    ),
                ],
                db_default="single",
                default="single",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="study",
            name="primary_endpoint",
            field=models.CharField(
                choices=[
                    ("fool rate", "Fool rate: generated images called real"),
                    ("accuracy", "Accuracy: images called what they are"),
                    ("auc", "AUC over real < unsure < fake"),
                    ("agreement", "Agreement between the raters"),
                    ("strength", "Strength: how often one generator looks more real than another"),
                ],
                default="fool rate",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="rating",
            name="label",
            field=models.CharField(choices=LABELS, max_length=7),
        ),
        migrations.AlterField(
            model_name="ratingrevision",
            name="label",
            field=models.CharField(choices=LABELS, max_length=7),
        ),
        migrations.RemoveConstraint(model_name="rating", name="rating_label_known"),
        migrations.AddConstraint(
            model_name="rating",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "label__in",
                        [value for value, _ in LABELS],
                    )
                ),
                name="rating_label_known",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
