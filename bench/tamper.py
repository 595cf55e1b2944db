"""A thousand random acts of somebody who holds the whole database, and how many of them `verify` names.

    python bench/tamper.py [--acts 1000] [--seed 0]

Each act (an edit, removal, swap or insertion in the log or the saves, or a change of the study, its images, orders, raters or
images) is done with all guards off, verified, and undone. First without mending a hash, where `verify` alone must
name every one. Then with every hash of the log computed anew, and as a cut tail, where an anchor must.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--acts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lungrater-tamper-") as home:
        os.environ |= {
            "LUNGRATER_HOME": home,
            "DJANGO_SETTINGS_MODULE": "lungrater.settings",
            "LOG_LEVEL": "ERROR",
        }
        for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
            os.environ.pop(name, None)
        figures = measured(options.acts, options.seed)
    print(json.dumps(figures, indent=1))
    sys.exit(bool(figures["unseen"]))


def measured(acts: int, seed: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from lungrater.embedded.owner import become_owner
    from lungrater.embedded.running import running

    with running(who="bench"):
        become_owner()
        call_command("migrate", verbosity=0)
        study = a_study()
        unmended = unmended_acts(study, acts, seed)
        mended = mended_acts(study, acts, seed)
    unseen = [*unmended.pop("unseen"), *mended.pop("unseen")]
    return {"unmended": unmended, "against an anchor": mended, "unseen": unseen}


def a_study() -> Any:
    """Read by three, with remarks and corrections; closed, unblinded, its log entered in the site's."""
    import audit
    from accounts.models import User
    from audit import heads
    from rating.models import Rating
    from tests.rating.cast import open_study, organiser, presentations, rate_all

    raters = [User.objects.create_user(f"rater{number}@example.org") for number in range(3)]
    study = open_study(raters=raters, real=10, fake=10, going_back="any")
    for number, rater in enumerate(raters):
        rate_all(study, rater, "fake" if number else "real", remark="clear lungs")
        for presentation in presentations(study, rater)[:5]:
            key = presentation.rating.client_key
            Rating.record(
                presentation, uuid.uuid4(), replaces=key, label="unsure", remark="on second thoughts"
            )
    study.close(organiser())
    study.unblind(organiser(), "All raters have finished.")
    for number in range(20):
        audit.record(None, organiser(), "signed in", reason="", number=number)
    heads.enter()
    return study


def is_seen(study: Any, anchors: tuple[Any, ...] = ()) -> bool:
    from audit import heads
    from audit.verification import verify_chain
    from rating.results.verification import verify_study

    study.refresh_from_db()
    return bool(
        [*verify_chain("site", anchors), *heads.verify_entered()]
        or verify_study(study, anchors).discrepancies
    )


def unmended_acts(study: Any, acts: int, seed: int) -> dict[str, Any]:
    from tests.audit import tampering

    kinds: Counter[str] = Counter()
    unseen = []
    for number in range(acts):
        with tampering.undone(study):
            name, tamper = tampering.any_tampering(study, random.Random(f"{seed} {number}"))
            tamper()
            kinds[name.split()[0].rstrip(":")] += 1
            if not is_seen(study):
                unseen.append(name)
        study.refresh_from_db()
    return {"acts": acts, "seen": acts - len(unseen), "kinds": dict(kinds), "unseen": unseen}


def mended_acts(study: Any, acts: int, seed: int) -> dict[str, Any]:
    """On the site's chain, the one that nothing else vouches for: without an anchor none can be seen."""
    from audit import heads
    from audit.verification import verify_chain
    from tests.audit import tampering

    anchor = heads.enter()
    unseen, alone, kinds = [], 0, Counter[str]()
    for number in range(acts):
        chance = random.Random(f"{seed} mended {number}")
        act = chance.choice([edited, removed, swapped, inserted, cut])
        with tampering.undone(study):
            act(anchor.number, chance)
            tampering.mend()
            kinds[act.__name__] += 1
            alone += bool(list(verify_chain("site")))
            if not list(verify_chain("site", [anchor])):
                unseen.append(f"{act.__name__} {number}")
    return {
        "acts": acts,
        "seen": acts - len(unseen),
        "seen without": alone,
        "kinds": dict(kinds),
        "unseen": unseen,
    }


def edited(last: int, chance: random.Random) -> None:
    _site("UPDATE audit_event SET action = action || 'x'", chance.randint(1, last))


def removed(last: int, chance: random.Random) -> None:
    _site("DELETE FROM audit_event", chance.randint(1, last))


def swapped(last: int, chance: random.Random) -> None:
    """A row in another's place; the numbers are given anew, so moving one behind the others is enough."""
    _site("UPDATE audit_event SET number = number + 1000", chance.randint(1, last - 1))


def inserted(last: int, chance: random.Random) -> None:
    from tests.audit.tampering import as_superuser

    as_superuser(
        "UPDATE audit_event SET number = number + 1000000 WHERE chain = 'site'",
        "UPDATE audit_event SET number = (number - 1000000) * 2 WHERE chain = 'site'",
    )
    as_superuser(
        "UPDATE audit_event SET chain = 'site', number = %s WHERE id = "
        "(SELECT id FROM audit_event WHERE chain <> 'site' ORDER BY random() LIMIT 1)",
        values=(2 * chance.randint(1, last) - 1,),
    )


def cut(last: int, chance: random.Random) -> None:
    from tests.audit.tampering import as_superuser

    as_superuser(f"DELETE FROM audit_event WHERE chain = 'site' AND number > {chance.randint(1, last - 1)}")


def _site(act: str, number: int) -> None:
    from tests.audit.tampering import as_superuser

    as_superuser(f"{act} WHERE chain = 'site' AND number = {number}")


if __name__ == "__main__":
    main()
