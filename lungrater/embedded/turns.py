"""Which of a web process's threads works on an answer, while the others wait."""

from __future__ import annotations

import threading

# Who has the turn may wait long himself, for a lock or for another server: then nobody waits for him.
LONGEST_WAIT = 0.2  # seconds


class Turns:
    """One at a time, and none while a save is worked on; a save waits for nobody.

    More threads at once take Python from each other in the middle of their work, and all answers come later.
    """

    def __init__(self, longest_wait: float = LONGEST_WAIT) -> None:
        self.longest_wait = longest_wait
        self._changed = threading.Condition()
        self._at_work = 0

    def take(self, *, is_save: bool) -> bool:
        """Whether the turn is one's own, and so has to be given back; after a long wait one works without."""
        with self._changed:
            is_free = is_save or self._changed.wait_for(lambda: not self._at_work, self.longest_wait)
            self._at_work += is_free
        return is_free

    def give_back(self) -> None:
        with self._changed:
            self._at_work -= 1
            self._changed.notify()
