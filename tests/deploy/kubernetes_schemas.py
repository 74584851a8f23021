"""The schemas of Kubernetes, read from the wheel of the package `kubernetes-validate`.

It holds 17,000 files. Installing them takes pip longer than all other packages together, so `make`
only downloads the wheel into the environment.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

_ROOT = "kubernetes_validate/kubernetes-json-schema"


def must_be_valid(document: dict[str, Any], version: str) -> None:
    """Check an object against its schema in a version, `1.29`; unknown fields are errors."""
    api = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", document["apiVersion"])
    schema = _read(version, f"{document['kind'].lower()}-{api}")
    registry: Registry[Any] = _definitions(version) @ Registry()
    Draft202012Validator(schema, registry=registry).validate(document)


@cache
def newest() -> str:
    """Return the newest version that has schemas."""
    found = re.findall(rf"^{_ROOT}/v1\.(\d+)\.\d+-local-strict/", _names(), re.MULTILINE)
    return f"1.{max(map(int, found))}"


def _read(version: str, name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(_wheel().read(f"{_ROOT}/v{version}.0-local-strict/{name}.json"))


@cache
def _definitions(version: str) -> Resource[Any]:
    """Return what the schemas of a version refer to."""
    return Resource.from_contents(_read(version, "_definitions"))


@cache
def _names() -> str:
    return "\n".join(_wheel().namelist())


@cache
def _wheel() -> ZipFile:
    found = list((Path(sys.prefix) / "schemas").glob("kubernetes_validate-*.whl"))
    assert found, "the schemas of Kubernetes are missing: make setup"
    return ZipFile(found[0])
