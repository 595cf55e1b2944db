"""What people see when something is not there, not theirs, or broken."""

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views.defaults import server_error

pytestmark = pytest.mark.django_db


def test_nothing_there_is_said_in_a_page_with_a_way_back(client_of, researcher):
    answer = client_of(researcher).get("/no/such/page/")

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert 'href="/"' in answer.text


def test_a_missing_page_says_the_same_to_everybody(client_of, rater, stranger):
    pages = {client_of(person).get("/reading/no-such-study/").content for person in (rater, stranger)}

    assert len(pages) == 1


def test_a_form_kept_open_too_long_is_told_so_in_words(client_of, rater):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = client_of(rater).cookies

    answer = browser.post("/preferences/", {"theme": "light"})

    assert answer.status_code == 403
    assert "open for too long" in answer.text


def test_a_broken_site_still_has_a_page():
    answer = server_error(RequestFactory().get("/"))

    assert answer.status_code == 500
    assert "Nothing that was shown as saved is lost" in answer.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_no_problem_page_says_anything_of_the_request(name):
    assert render_to_string(f"{name}.html", {"exception": "secret", "user": "Rita"}).count("secret") == 0
