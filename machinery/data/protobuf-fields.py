#!/usr/bin/env python3
"""Makes protobuf-fields.txt: which fields the protobuf messages of Kubernetes have, and what they are called in JSON.

Run by hand when the Kubernetes version changes, with the Go modules k8s.io/api, k8s.io/apimachinery and
k8s.io/apiextensions-apiserver downloaded (`go mod download k8s.io/api@v0.36.3` and so on):

    python3 protobuf-fields.py "$(go env GOMODCACHE)" v0.36.3 > protobuf-fields.txt

Facts come from two places of the same package: generated.proto (numbers and types) and the struct tags of the Go types
(JSON names, which fields are inlined, and how Go decides whether a field is printed). Only versions that are GA are kept.

Format, one item a line:
    @core.v1 v1                       package, apiVersion of its kinds
    =core.v1.Pod !                    message; '!' marks a kind, '[' a message that is a list in JSON
    2 spec core.v1.PodSpec o          number, JSON name, type, marks
Types: s text, i int32, l int64, b bool, y bytes, d double, else a message; '[' before a type: repeated, '{': map with text keys.
Marks: p pointer (presence means something), o omitted when empty, z omitted when zero, > fields inlined in the parent.
"""
import pathlib
import re
import sys

SCALARS = {"string": "s", "int32": "i", "int64": "l", "bool": "b", "bytes": "y", "double": "d", "uint32": "l"}
META = ["pkg/apis/meta/v1", "pkg/runtime", "pkg/api/resource", "pkg/util/intstr"]


def short(package):
    """core.v1 for k8s.io.api.core.v1, meta.v1, runtime, resource, intstr for the shared ones."""
    for prefix in ("k8s.io.api.", "k8s.io.apiextensions_apiserver.pkg.apis.", "k8s.io.apimachinery.pkg.apis.", "k8s.io.apimachinery.pkg.api.",
                   "k8s.io.apimachinery.pkg.util.", "k8s.io.apimachinery.pkg."):
        if package.startswith(prefix):
            return package[len(prefix):]
    return package


def messages(text):
    """(name, [(repeated, map, type, name, number)]) of each message of a .proto text."""
    for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        fields = []
        for line in body.splitlines():
            found = re.match(r"\s+(optional|repeated)?\s*(map<string,\s*([\w.]+)>|[\w.]+) (\w+) = (\d+)", line)
            if found and not line.strip().startswith("//"):
                label, type_, value, field, number = found.groups()
                fields.append((label == "repeated", value is not None, value or type_, field, int(number)))
        yield name, fields


def structs(directory):
    """Per struct: number -> (JSON name, marks); and which types are kinds, and which are lists."""
    tags, kinds, lists = {}, set(), set()
    for path in sorted(directory.glob("*.go")):
        if path.name.endswith("_test.go") or path.name.startswith(("zz_", "generated")):
            continue
        text = path.read_text()
        lists |= set(re.findall(r"^type (\w+) \[\]", text, re.M))
        for name, body in re.findall(r"^type (\w+) struct \{\n(.*?)^\}", text, re.M | re.S):
            if re.search(r"^\s+(metav1\.|v1\.)?TypeMeta\s+`json:\",inline\"", body, re.M):
                kinds.add(name)
            for line in body.splitlines():
                proto = re.search(r'protobuf:"\w+,(\d+)', line)
                json = re.search(r'json:"([^"]*)"', line)
                if not proto or line.strip().startswith("//"):
                    continue
                words = line.split("`")[0].split()
                go_type = words[-1]
                options = json.group(1).split(",") if json else ["-"]
                marks = "p" if go_type.startswith("*") else ""
                marks += "o" if "omitempty" in options else ""
                marks += "z" if "omitzero" in options else ""
                marks += ">" if "inline" in options or (options[0] == "" and len(words) == 1) else ""
                tags.setdefault(name, {})[int(proto.group(1))] = (options[0], marks)
    return tags, kinds, lists


def main(cache, version):
    api = pathlib.Path(cache) / "k8s.io" / f"api@{version}"
    machinery = pathlib.Path(cache) / "k8s.io" / f"apimachinery@{version}"
    directories = [machinery / path for path in META]
    directories += sorted(p for p in api.glob("*/v*") if re.fullmatch(r"v\d+", p.name))
    directories.append(pathlib.Path(cache) / "k8s.io" / f"apiextensions-apiserver@{version}" / "pkg/apis/apiextensions/v1")
    print("# Made by protobuf-fields.py from the Go modules k8s.io/api, apimachinery and apiextensions-apiserver", version)
    for directory in directories:
        proto = directory / "generated.proto"
        if not proto.exists():
            continue
        text = proto.read_text()
        package = short(re.search(r"^package ([\w.]+);", text, re.M).group(1))
        register = directory / "register.go"
        group = re.search(r'^const GroupName = "([^"]*)"', register.read_text(), re.M) if register.exists() else None
        version_name = directory.name
        if group is not None:
            group_name = "" if package == "meta.v1" else group.group(1)
            print(f"@{package} {group_name + '/' if group_name else ''}{version_name}")
        tags, kinds, lists = structs(directory)
        for name, fields in messages(text):
            is_list = name in lists and [f[3] for f in fields] == ["items"]
            print(f"={package}.{name}{' !' if name in kinds else ' [' if is_list else ''}")
            for repeated, is_map, type_, field, number in fields:
                if type_ in SCALARS:
                    code = SCALARS[type_]
                elif "." in type_:
                    owner, _, message = type_.lstrip(".").rpartition(".")
                    code = f"{short(owner)}.{message}"
                else:
                    code = f"{package}.{type_}"
                json_name, marks = tags.get(name, {}).get(number, (field, ""))
                if ">" in marks or json_name in ("", "-"):
                    json_name = field
                code = ("{" if is_map else "[" if repeated else "") + code
                print(f"{number} {json_name} {code} {marks}".rstrip())


main(*sys.argv[1:])
