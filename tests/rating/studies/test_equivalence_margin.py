"""A margin is refused where the policy for “unsure” moves the value it stands around."""

import pytest
from django.core.exceptions import ValidationError

from rating.models import Study


@pytest.mark.parametrize("policy", ["wrong", "right"])
def test_a_margin_around_an_accuracy_that_unsure_moves_is_refused(policy):
    study = Study(primary_endpoint="accuracy", unsure_policy=policy, equivalence_margin=0.1)

    with pytest.raises(ValidationError, match="how often they are unsure"):
        study.clean()


@pytest.mark.parametrize(
    ("endpoint", "policy"),
    [("accuracy", "half"), ("accuracy", "exclude"), ("auc", "wrong"), ("fool rate", "right")],
)
def test_a_margin_around_a_value_that_is_known_is_taken(endpoint, policy):
    Study(primary_endpoint=endpoint, unsure_policy=policy, equivalence_margin=0.1).clean()


def test_without_a_margin_any_policy_is_taken():
    Study(primary_endpoint="accuracy", unsure_policy="wrong").clean()
