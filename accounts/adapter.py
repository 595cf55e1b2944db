"""How allauth behaves here: nobody signs up by themselves, people are invited."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import Http404, HttpRequest, HttpResponse


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def address_stands(request: HttpRequest) -> HttpResponse:
    """Nothing, in place of allauth's page for changing one's address.

    People are invited by their address: whoever could take somebody else's would get that person's
    invitations, and share an account with them.
    """
    raise Http404
