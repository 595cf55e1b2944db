"""Words that tell what a study is after: kept off the purpose-blinded pages, and looked for in what raters wrote there."""

from __future__ import annotations

import re

# In the languages of the raters' pages. “AI” and the like only in capitals: “ai” is a word elsewhere.
SUSPICION = (
    r"fak(?:e|es|ed|ery|ing)|deep-?fakes?|artificial(?:ly)?|synthe\w+|generated|generative|machine[- ]made|photoshop\w*"
    r"|(?-i:AI|A\.I\.|KI|GANs?|DALL[·-]?E)|manipulated|not (?:a )?real|unreal|inauthentic"
    r"|künstlich\w*|gefälscht\w*|fälschung\w*|generiert\w*|nicht echt|unecht\w*"
)
ARABIC = r"مزي[ّ]?ف\w*|اصطناعي\w*|مولّ?د\w*"
# Harmless in a finding (“a real nodule”), telling in a title or an instruction.
SETTING = r"real|authentic\w*|genuine|generat\w+|computer[- ]\w+|made by a computer|turing|diffusion|echt\w*|حقيقي\w*"

_SUSPICION = re.compile(rf"\b(?:{SUSPICION})\b|{ARABIC}", re.IGNORECASE)
_TELLING = re.compile(rf"\b(?:{SUSPICION}|{SETTING})\b|{ARABIC}", re.IGNORECASE)


def telling_words(text: str) -> list[str]:
    """The words of this text that give away that images may be generated, each once."""
    return list(dict.fromkeys(match.group() for match in _TELLING.finditer(text)))


def speaks_of_it(remark: str) -> bool:
    """Whether a remark says that the image may not be a patient's; by its words, so a person should read it too."""
    return _SUSPICION.search(remark) is not None
