"""Many saves in one transaction cost each what one costs, on tables too that the database holds for empty."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection, models, transaction

from accounts.models import User
from rating.models import Enrolment, Presentation, Rating, RatingRevision, Sitting, Study
from tests.rating.long_study import long_study

IMAGES = 300
OF_A_SAVE: tuple[type[models.Model], ...] = (Study, Enrolment, Sitting, Presentation, Rating, RatingRevision)
ROWS_READ = "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"


def vacuum_as_of_now() -> None:
    """As the server does by itself, at any time; rows that are not committed count for nothing."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(f"VACUUM {', '.join(model._meta.db_table for model in OF_A_SAVE)}")
    other.close()


def rows_read() -> dict[str, int]:
    """By this transaction, of each table."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS_READ)
        rows = dict(cursor.fetchall())
    return {model._meta.db_table: rows[model._meta.db_table] for model in OF_A_SAVE}


@pytest.mark.django_db(transaction=True)
def test_a_save_of_many_does_not_read_all_the_others(rater: User) -> None:
    with transaction.atomic():
        long_study("Long", raters=[rater], images=IMAGES)
        ratings = Rating.objects.bulk_create(
            Rating(presentation=each, label="real") for each in Presentation.objects.all()
        )
        vacuum_as_of_now()
        before = rows_read()

        RatingRevision.objects.bulk_create(
            RatingRevision(rating=each, number=1, label="real", client_key=uuid.uuid4()) for each in ratings
        )

        read = {table: number - before[table] for table, number in rows_read().items()}
    assert all(0 < number <= 4 * IMAGES for number in read.values()), read
    assert RatingRevision.objects.filter(chain_number=IMAGES).exists()
