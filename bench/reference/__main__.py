"""`python -m bench.reference` says which pages are out of date; `--write` writes them."""

from __future__ import annotations

import os
import sys

from bench.reference import FOLDER, pages


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
    import django

    django.setup()
    for name, text in pages().items():
        file = (FOLDER / name).resolve()
        if "--write" in sys.argv:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            print(f"docs/{file.relative_to(FOLDER.parent)} is out of date: python -m bench.reference --write")


if __name__ == "__main__":
    main()
