"""The client's types and its method for every operation, made from the OpenAPI document.

`python -m bench.client_code` says which files are out of date, `--write` writes them; a test holds them against the document.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "lungrater" / "client"
HEAD = '"""{}\n\nMade by bench/client_code.py: change the API, then python -m bench.client_code --write.\n"""\n\nfrom __future__ import annotations\n\n'
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
OF_PAGES = frozenset({"cursor", "page_size"})
JSON_TYPE = "application/json"
Document = dict[str, Any]  # OpenAPI, or a part of it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    stale = [path for path, text in files().items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        if options.write:
            path.parent.mkdir(exist_ok=True)
            path.write_text(files()[path])
        print(path.relative_to(REPOSITORY), "written" if options.write else "is out of date")
    return 1 if stale and not options.write else 0


def files() -> dict[Path, str]:
    """The text of each file by its path."""
    api = _api()
    document: Document = json.loads(json.dumps(api.get_openapi_schema()))
    schemas: Document = document["components"]["schemas"]
    results = _reachable(schemas.keys() & {kind.__name__ for kind in api.result_types}, schemas)
    bodies = _reachable(_named_in(_bodies(document)), schemas) - results
    facts = schemas.keys() - results - bodies
    kinds = {"results": results, "bodies": bodies, "facts": facts}
    texts = {
        "types/results.py": _types("What studies, reports and experiments found.", results, schemas, {}),
        "types/bodies.py": _types("What operations take.", bodies, schemas, {}),
        "types/facts.py": _types(
            "What operations give.", facts, schemas, {"bodies": bodies, "results": results}
        ),
        "operations.py": _operations(document, kinds),
    }
    return {FOLDER / name: _formatted(text) for name, text in texts.items()}


def _api() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lungrater.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
    from lungrater.api.site_api import api

    return api


def _formatted(text: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    sorted_text = subprocess.run(
        [*ruff, "check", "--select=I,F401", "--fix", "--quiet", "--stdin-filename=made.py", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    ).stdout
    formatted = subprocess.run(
        [*ruff, "format", "--stdin-filename=made.py", "-"],
        input=sorted_text,
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    return formatted.stdout


def _named_in(part: object) -> set[str]:
    """The components that a part of the document refers to."""
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(part)))


def _reachable(names: Iterable[str], schemas: Document) -> set[str]:
    reached: set[str] = set()
    following = set(names)
    while following:
        reached |= following
        following = {each for name in following for each in _named_in(schemas[name])} - reached
    return reached


def _bodies(document: Document) -> list[Document]:
    return [operation.get("requestBody", {}) for _method, _path, operation in _calls(document)]


def _calls(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path.removeprefix("/api/v1"), operation


def _types(title: str, names: Iterable[str], schemas: Document, elsewhere: dict[str, set[str]]) -> str:
    text = HEAD.format(title) + "from typing import Any, Literal, NotRequired, TypedDict\n\n"
    classes = "\n\n".join(_type(name, schemas[name]) for name in sorted(names))
    for module, others in elsewhere.items():
        if used := [name for name in sorted(others) if re.search(rf"\b{name}\b", classes)]:
            text += f"from lungrater.client.types.{module} import {', '.join(used)}\n\n"
    unused = [name for name in ("Any", "Literal", "NotRequired") if not re.search(rf"\b{name}\b", classes)]
    for name in unused:
        text = text.replace(f"{name}, ", "", 1)
    return f"{text}\n{classes}\n"


def _type(name: str, schema: Document) -> str:
    if "properties" not in schema:
        return f"{name} = {type_of(schema)}"
    lines = [f"class {name}(TypedDict):", *_doc(schema.get("description", ""))]
    required = set(schema.get("required", []))
    for key, each in schema["properties"].items():
        kind = type_of(each)
        lines.append(f"    {key}: {kind if key in required else f'NotRequired[{kind}]'}")
    return "\n".join([*lines, *(["    pass"] if len(lines) == 1 else [])])


def _doc(text: str) -> list[str]:
    if not text:
        return []
    wrapped = [
        line for part in text.splitlines() for line in (textwrap.wrap(part, 96) if part.strip() else [""])
    ]
    end = wrapped[-1] + '"""'
    return [
        f'    """{wrapped[0]}' + ('"""' if len(wrapped) == 1 else ""),
        *((f"    {line}" if line else "") for line in [*wrapped[1:-1], *([end] if len(wrapped) > 1 else [])]),
    ]


def type_of(schema: Document) -> str:
    """The Python type of a schema, as an annotation."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(each) for each in schema['enum'])}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(PLAIN[each] for each in kind)
    return _type_of_container(schema) if kind in {"array", "object"} else PLAIN.get(str(kind), "Any")


def _type_of_container(schema: Document) -> str:
    if "prefixItems" in schema:
        return f"tuple[{', '.join(type_of(each) for each in schema['prefixItems'])}]"
    if schema["type"] == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    values = schema.get("additionalProperties", {})
    kind = type_of(values) if isinstance(values, dict) else "Any"
    return f"dict[str, {kind.replace('Any', 'object')}]"


def _operations(document: Document, kinds: dict[str, set[str]]) -> str:
    methods = "\n\n".join(_method(method, path, operation) for method, path, operation in _calls(document))
    text = HEAD.format("A method for every operation of the API, with the types of what it takes and gives.")
    text += "from collections.abc import Iterator, Sequence\nfrom typing import Any, Literal, cast\n\n"
    text += "from lungrater.client.transport import FileUpload, Transport\n"
    for module, names in kinds.items():
        if used := [name for name in sorted(names) if re.search(rf"\b{name}\b", methods)]:
            text += f"from lungrater.client.types.{module} import {', '.join(used)}\n"
    text += '\n\nclass Operations:\n    """One site\'s operations, by the names of its document."""\n\n'
    text += "    def __init__(self, transport: Transport) -> None:\n        self.transport = transport\n\n"
    return text + methods + "\n"


@dataclass(frozen=True, slots=True)
class Call:
    """One operation, as its method sends it. `answer` is how what comes back is read: json, pages, file or nothing."""

    method: str
    path: str
    headers: frozenset[str]
    body: str
    has_files: bool
    query: tuple[str, ...]
    answer: str
    result: str

    @property
    def expression(self) -> str:
        address = f'f"{self.path}"' if "{" in self.path else f'"{self.path}"'
        arguments = ", ".join(f"{name}={name}" for name in self.query)
        if self.method == "get":
            return self._read(address + (f", {arguments}" if arguments else ""))
        if "Idempotency-Key" in self.headers:
            sent = [address, *([f"params=self.transport.query({arguments})"] if arguments else [])]
            sent += ["json=body"] if self.body else []
            sent += ["files=list(files)", "data=fields or {}"] if self.has_files else []
            return self._cast(f"self.transport.create({', '.join(sent)})")
        sent = [address, *(["body"] if self.body else [])]
        sent += ["act_token=act_token"] if "Act-Token" in self.headers else []
        sent += [f'method="{self.method.upper()}"'] if self.method != "post" else []
        return self._cast(f"self.transport.act({', '.join(sent)})")

    def _read(self, arguments: str) -> str:
        if self.answer == "pages":
            return self._cast(f"self.transport.pages({arguments})")
        if self.answer == "file":
            return f"return self.transport.get({arguments}).content"
        return self._cast(f"self.transport.get({arguments}).json()")

    def _cast(self, expression: str) -> str:
        return expression if self.answer == "nothing" else f'return cast("{self.result}", {expression})'


def _call(method: str, path: str, operation: Document) -> Call:
    parameters = operation.get("parameters", [])
    query = [each["name"] for each in parameters if each["in"] == "query"]
    content: Document = operation.get("requestBody", {}).get("content", {})
    answer, result = _answer(operation, is_list="cursor" in query)
    return Call(
        method=method,
        path=path,
        headers=frozenset(each["name"] for each in parameters if each["in"] == "header"),
        body=type_of(content[JSON_TYPE]["schema"]) if JSON_TYPE in content else "",
        has_files="multipart/form-data" in content,
        query=tuple(name for name in query if name not in OF_PAGES),
        answer=answer,
        result=result,
    )


def _method(method: str, path: str, operation: Document) -> str:
    call = _call(method, path, operation)
    types = {each["name"]: type_of(each["schema"]) for each in operation.get("parameters", [])}
    arguments = ["self", *(f"{name}: {types[name]}" for name in re.findall(r"\{(\w+)\}", path))]
    arguments += [f"body: {call.body}"] if call.body else []
    arguments += (
        ["files: Sequence[FileUpload]", "fields: dict[str, object] | None = None"] if call.has_files else []
    )
    named = [f"{name}: {_or_none(types[name])} = None" for name in call.query]
    named += ['act_token: str = ""'] if "Act-Token" in call.headers else []
    arguments += ["*", *named] if named else []
    text = operation.get("description") or f"{operation['summary']}."
    lines = [
        f"    def {operation['operationId']}({', '.join(arguments)}) -> {call.result}:",
        *(f"    {line}" if line else "" for line in _doc(text)),
        f"        {call.expression}",
    ]
    return "\n".join(lines)


def _or_none(kind: str) -> str:
    return kind if "None" in kind else f"{kind} | None"


def _answer(operation: Document, *, is_list: bool) -> tuple[str, str]:
    """How the answer is read, and its type."""
    status = next(each for each in operation["responses"] if each.startswith("2"))
    content: Document = operation["responses"][status].get("content", {})
    if not content:
        return "nothing", "None"
    if JSON_TYPE not in content:
        return "file", "bytes"
    kind = type_of(content[JSON_TYPE]["schema"])
    return ("pages", f"Iterator[{kind.removeprefix('Paged')}]") if is_list else ("json", kind)


if __name__ == "__main__":
    sys.exit(main())
