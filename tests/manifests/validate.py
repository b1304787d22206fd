"""Validates manifests for the versions of Kubernetes that are its arguments: reads a JSON array from standard input, prints a line for
each fault.

Kubernetes' own kinds go by the strict schemas of `kubernetes-validate`, each of which is made ready once; the kinds of operators by the
files in `schemas/`, in which no field is known that is not named.
"""

import json
import pathlib
import sys

import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

# The files are named by the first word of a group, so a misspelt rest would not be found by them.
GROUPS = {"", "apps", "autoscaling", "batch", "policy", "networking.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io"}


def closed(schema):
    """Forbids fields that a schema does not name."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            closed(part)
    elif isinstance(schema, list):
        for part in schema:
            closed(part)
    return schema


def of_operators():
    """A validator of the `spec` of each kind in `schemas/`."""
    found = {}
    for file in sorted(pathlib.Path(__file__).parent.glob("schemas/*.yaml")):
        for group, kinds in yaml.safe_load(file.read_text()).items():
            for kind, schema in kinds.items():
                found[group, kind] = Draft202012Validator(closed(schema))
    return found


class Kubernetes:
    """The validators of Kubernetes' own kinds."""

    def __init__(self, edition):
        self.edition = edition
        shared = Resource.from_contents(self.contents("_definitions"))
        self.registry = (shared @ Registry()).crawl()
        self.known = {}

    def contents(self, name):
        """A file of the strict schemas."""
        return schema_contents(f"kubernetes-json-schema/v{self.edition}.0-local-strict/{name}.json", self.edition)

    def of(self, version, kind):
        """The validator of a kind, or nothing."""
        if (version, kind) not in self.known:
            self.known[version, kind] = self.read(version, kind)
        return self.known[version, kind]

    def read(self, version, kind):
        group, _, edition = version.rpartition("/")
        if group not in GROUPS:
            return None
        name = "-".join(filter(None, [kind.lower(), group.split(".")[0], edition]))
        try:
            schema = self.contents(name)
        except FileNotFoundError:
            return None
        registry = Resource.from_contents(schema) @ self.registry
        return Draft202012Validator(schema, registry=registry)


def faults(document, own, kubernetes):
    """What is wrong with a document."""
    version, kind = document.get("apiVersion", ""), document.get("kind", "")
    if (version, kind) in own:
        unknown = document.keys() - {"apiVersion", "kind", "metadata", "spec"}
        if unknown:
            yield f"unknown fields {sorted(unknown)}"
        errors = own[version, kind].iter_errors(document.get("spec"))
    else:
        validator = kubernetes.of(version, kind)
        if validator is None:
            yield f"{version} has no schema: write one below tests/manifests/schemas"
            return
        errors = validator.iter_errors(document)
    for error in errors:
        yield f"{error.json_path}: {error.message}"


def main():
    own, documents = of_operators(), json.load(sys.stdin)
    for edition in sys.argv[1:]:
        kubernetes = Kubernetes(edition)
        for document in documents:
            for fault in faults(document, own, kubernetes):
                print(f"{document.get('kind')} {document.get('metadata', {}).get('name')}: {fault} (on {edition})")


main()
