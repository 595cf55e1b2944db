"""What only the authors can say of a study, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field, create_model

from accounts.api.access import Access
from accounts.api.filling import filled
from accounts.api.types import Slug
from accounts.tokens.models import Scope
from rating.models import Study
from rating.results.report.checklists import checklists, topics_asked_for
from rating.results.report.statements_form import StatementsForm
from rating.studies.statements import MOST_LETTERS, TOPICS
from rating.views.api.facts import editable

Text = Annotated[str, Field(max_length=MOST_LETTERS)]

if TYPE_CHECKING:
    StatementsBody = Schema
else:
    fields = {topic: (Text | None, Field(None, description=label)) for topic, label in TOPICS.items()}
    StatementsBody = create_model("Statements", __base__=Schema, **fields)

router = Router(tags=["Studies"])


class StatementFacts(Schema):
    """One topic, its text (empty until somebody writes it), and the items of checklists that ask for it."""

    topic: str
    label: str
    text: str
    asked_for: list[str]


@router.get(
    "/studies/{slug}/statements",
    response=list[StatementFacts],
    auth=Access(Scope.READ, "rating.change_study"),
)
def list_statements(request: HttpRequest, slug: Slug) -> Any:
    """What only you can say of the study, for its reporting checklists."""
    return _facts(editable(request, slug))


@router.patch(
    "/studies/{slug}/statements",
    response=list[StatementFacts],
    auth=Access(Scope.WRITE, "rating.change_study"),
)
def change_statements(request: HttpRequest, slug: Slug, body: StatementsBody) -> Any:
    """Write the topics that are named; null empties one. The log keeps who wrote which."""
    study = editable(request, slug)
    filled(StatementsForm, body.model_dump(exclude_unset=True), study=study).save(request.user)
    return _facts(study)


def _facts(study: Study) -> list[dict[str, object]]:
    texts = dict(study.statements.values_list("topic", "text"))
    asked_for = topics_asked_for(checklists())
    return [
        {"topic": topic, "label": label, "text": texts.get(topic, ""), "asked_for": asked_for[topic]}
        for topic, label in TOPICS.items()
    ]
