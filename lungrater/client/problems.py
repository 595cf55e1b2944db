"""What the site would not do, in its own sentence."""

from __future__ import annotations

import httpx2


class OtherSiteError(Exception):
    """The site named an address of another one."""


class ProblemError(Exception):
    """`errors` has the sentences by field, `kind` the problem's type, which tells an act token that is lacking."""

    def __init__(self, status: int, sentence: str, errors: dict[str, list[str]], kind: str) -> None:
        super().__init__(sentence)
        self.status, self.errors, self.kind = status, errors, kind

    @classmethod
    def of(cls, response: httpx2.Response) -> ProblemError:
        try:
            content = response.json()
        except ValueError:
            content = {}
        sentence = content.get("detail") or f"The site answered {response.status_code}."
        return cls(
            response.status_code, sentence, content.get("errors", {}), content.get("type", "about:blank")
        )
