#!/usr/bin/env python3
"""Derives openapi.json, the table of facts behind machinery's schema and openapi modules.

Run by hand when Meridian moves to another Kubernetes version:

    python3 machinery/data/openapi.py DIRECTORY VERSION > machinery/data/openapi.json

DIRECTORY holds the OpenAPI v3 documents of a kube-apiserver of that version, one file a path, the slashes written as
dots: api.v1.json, apis.apps.v1.json and so on (`kubectl get --raw /openapi/v3/apis/apps/v1`). They are also part of the
Kubernetes source, under api/openapi-spec/v3.

Kept: the schemas of the groups below and all that they refer to, with their descriptions and x-kubernetes-*
extensions; the query and path parameters of the standard operations. Left out: paths, which machinery builds from what
the hub serves, and everything that is alpha or beta.
"""
import json
import pathlib
import sys

DOCUMENTS = [
    "api.v1",
    "apis.admissionregistration.k8s.io.v1",
    "apis.apiextensions.k8s.io.v1",
    "apis.apps.v1",
    "apis.authentication.k8s.io.v1",
    "apis.authorization.k8s.io.v1",
    "apis.autoscaling.v1",
    "apis.autoscaling.v2",
    "apis.batch.v1",
    "apis.certificates.k8s.io.v1",
    "apis.coordination.k8s.io.v1",
    "apis.discovery.k8s.io.v1",
    "apis.events.k8s.io.v1",
    "apis.networking.k8s.io.v1",
    "apis.policy.v1",
    "apis.rbac.authorization.k8s.io.v1",
    "apis.scheduling.k8s.io.v1",
    "apis.storage.k8s.io.v1",
]

PREFIX = "#/components/schemas/"


def flat(schema):
    """`allOf` of one `$ref`, the v3 way to put something beside a reference, becomes the reference itself."""
    out = {}
    for key, value in schema.items():
        if key == "allOf":
            for part in value:
                out.update(flat(part))
        elif key == "$ref":
            out["$ref"] = value.removeprefix(PREFIX)
        elif key == "properties":
            out[key] = {name: flat(field) for name, field in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = flat(value)
        else:
            out[key] = value
    return out


def main():
    directory, version = pathlib.Path(sys.argv[1]), sys.argv[2]
    schemas, parameters = {}, {}
    for name in DOCUMENTS:
        document = json.loads((directory / f"{name}.json").read_text())
        for key, schema in document["components"]["schemas"].items():
            schemas[key] = flat(schema)
        for path in document["paths"].values():
            for scope in [path] + [op for op in path.values() if isinstance(op, dict)]:
                for parameter in scope.get("parameters", []):
                    key = (parameter["in"] + "/" + parameter["name"])
                    parameters.setdefault(key, parameter)
    wanted = ["continue", "allowWatchBookmarks", "dryRun", "fieldManager", "fieldSelector", "fieldValidation", "force",
              "gracePeriodSeconds", "labelSelector", "limit", "orphanDependents", "pretty", "propagationPolicy",
              "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"]
    parameters = {key: parameters["query/" + key] for key in wanted}
    json.dump({"version": version, "schemas": schemas, "parameters": parameters}, sys.stdout,
              sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    print()


main()
