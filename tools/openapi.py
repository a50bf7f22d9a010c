#!/usr/bin/env python3
"""Writes docs/api/openapi.json and docs/api/kneepoint-v1.md from the proto file and the table of verbs.

    openapi.py PROTO VERBS.json VERSION OUT_DIR [--check]

VERBS.json is what `kneepoint_docs verbs` prints. With --check nothing is written: exit status 1 when
a file in OUT_DIR is not what would be written."""

import json
import pathlib
import re
import sys

SCALARS = {
    "double": {"type": "number", "format": "double"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "string", "format": "int64"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
}

INTRODUCTION = """What `kneepoint serve` answers beside the API that existing clients speak: recommendations with
reasons and evidence, whole curves, predictions, manifests, doctor, imports, runs, prices and deployments."""


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def read_proto(text):
    """(rpcs, messages): name -> (request, answer); name -> (comment, [(json name, type, label, comment)])."""
    rpcs, messages = {}, {}
    comment, message, service = [], None, False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("//"):
            comment.append(line[2:].strip())
            continue
        if found := re.match(r"rpc (\w+)\((\S+)\) returns \((\S+)\);", line):
            rpcs[found[1]] = (found[2], found[3])
        elif found := re.match(r"message (\w+) \{(\})?", line):
            message = found[1]
            messages[message] = (" ".join(comment), [])
            if found[2]:
                message = None
        elif found := re.match(r"(repeated |optional )?(map<string, [\w.]+>|[\w.]+) (\w+) = \d+;", line):
            if message is None:
                raise SystemExit(f"a field outside of a message: {line}")
            messages[message][1].append(
                (camel(found[3]), found[2], (found[1] or "").strip(), " ".join(comment)))
        elif line == "}":
            message = None
        elif line and not re.match(r"(syntax|package|import|service) ", line):
            raise SystemExit(f"not understood: {line}")
        comment = []
    return rpcs, messages


def type_schema(name):
    if found := re.match(r"map<string, ([\w.]+)>", name):
        return {"type": "object", "additionalProperties": type_schema(found[1])}
    return dict(SCALARS[name]) if name in SCALARS else {"$ref": f"#/components/schemas/{name}"}


def field_schema(kind, label, comment):
    schema = type_schema(kind)
    if label == "repeated":
        schema = {"type": "array", "items": schema}
    if comment:
        schema["description"] = comment
    return schema


def message_schema(comment, fields):
    schema = {"type": "object", "properties": {name: field_schema(kind, label, text)
                                               for name, kind, label, text in fields}}
    required = [name for name, _, _, text in fields if re.search(r"\bRequired\b", text)]
    if required:
        schema["required"] = required
    if comment:
        schema["description"] = comment
    return schema


ERROR = {
    "type": "object", "description": "google.rpc.Status.",
    "properties": {"error": {"type": "object", "properties": {
        "code": {"type": "integer", "description": "The HTTP status."},
        "status": {"type": "string", "description": "INVALID_ARGUMENT, NOT_FOUND ..."},
        "message": {"type": "string"},
        "details": {"type": "array", "items": {"type": "object", "additionalProperties": True}}}}}}

JOB = {
    "type": "object", "description": "Work that takes long; GET /kneepoint/v1/jobs/{id}/events tells how far it is.",
    "properties": {"job": {"type": "object", "additionalProperties": True,
                           "properties": {"id": {"type": "string"}}}}}


def body(schema, kind="application/json"):
    return {"content": {kind: {"schema": schema}}}


def operation(verb, rpcs, messages):
    request, answer = rpcs[verb["name"]]
    in_path = re.findall(r"\{(\w+)\}", verb["path"])
    out = {"operationId": verb["name"], "summary": verb["summary"], "tags": [tag_of(verb)],
           "x-kneepoint-right": verb["right"]}
    fields = messages[request][1]
    parameters = []
    for name, kind, label, text in fields:
        if name in in_path:
            parameters.append({"name": name, "in": "path", "required": True,
                               "schema": field_schema(kind, label, text)})
        elif verb["method"] in ("GET", "DELETE"):
            parameters.append({"name": name, "in": "query", "required": False,
                               "schema": field_schema(kind, label, text)})
    if parameters:
        out["parameters"] = parameters
    if verb["method"] == "POST":
        out["requestBody"] = {"required": True, **body({"$ref": f"#/components/schemas/{request}"})}
    schema = type_schema(answer)
    if verb["contentType"]:
        good = {"200": {"description": "As text.", **body({"type": "string"}, verb["contentType"].split(";")[0])}}
    elif verb["stream"]:
        good = {"200": {"description": "Server-sent events; the data of each is JSON.",
                        **body({"type": "string"}, "text/event-stream")}}
    elif verb["job"]:
        good = {"202": {"description": f"A job; its result is {answer}.", **body({"$ref": "#/components/schemas/Job"})}}
    else:
        good = {"200": {"description": "The answer.", **body(schema)}}
    out["responses"] = {**good, "default": {"description": "What went wrong.",
                                            **body({"$ref": "#/components/schemas/Error"})}}
    return out


def tag_of(verb):
    return re.sub(r"[:.{].*", "", verb["path"].split("/")[3])


def openapi(verbs, rpcs, messages, version):
    paths = {}
    for verb in verbs:
        paths.setdefault(verb["path"], {})[verb["method"].lower()] = operation(verb, rpcs, messages)
    schemas = {name: message_schema(*content) for name, content in messages.items()}
    schemas["Error"], schemas["Job"] = ERROR, JOB
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kneepoint", "version": version, "description": INTRODUCTION.replace("\n", " "),
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {"schemas": schemas,
                       "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def shown_type(kind, label):
    kind = {"double": "number", "int32": "whole number", "int64": "whole number as text", "bool": "true or false",
            "string": "text", "google.protobuf.Struct": "object"}.get(kind, kind)
    if found := re.match(r"map<string, ([\w.]+)>", kind):
        kind = f"{shown_type(found[1], '')} by name"
    link = kind if kind.islower() or " " in kind else f"[{kind}](#{kind.lower()})"
    return f"list of {link}" if label == "repeated" else link


def table(fields):
    out = ["| field | type | |", "|---|---|---|"]
    for name, kind, label, text in fields:
        out.append(f"| `{name}` | {shown_type(kind, label)} | {text.replace('|', '/')} |")
    return out


def page(verbs, rpcs, messages):
    out = ["# kneepoint.v1", "", "<!-- Written by tools/openapi.py from proto/kneepoint/v1/kneepoint.proto and the table of verbs. -->",
           "", INTRODUCTION, "",
           "The same over REST (below), over gRPC (service `kneepoint.v1.Kneepoint`) and, for assistants, as",
           "[tools of the Model Context Protocol](../mcp.md). [openapi.json](openapi.json) is this page for programs;",
           "a server gives it at `/kneepoint/v1/openapi.json`.", "",
           "- Members are lowerCamel and have their units in their names. What is not known is left out of an answer.",
           "- A member of a request that is left out, null, `\"\"` or, where zero has no meaning, 0 asks for the default.",
           "  One that is not known is refused by name. Of a GET all are query parameters.",
           "- Errors are `{\"error\": {\"code\", \"status\", \"message\", \"details\"}}` as google.rpc.Status; the message",
           "  names the path of the field that is wrong.",
           "- A *job* is answered with 202 and `{\"job\": {\"id\"}}`; `GET /kneepoint/v1/jobs/{id}/events` tells its",
           "  progress as server-sent events, then `done` with the answer or `failed` with the error.",
           "- Rights: `read`, `write` includes it, `deploy` includes both.", "",
           "| verb | | right | |", "|---|---|---|---|"]
    for verb in verbs:
        kind = " (job)" if verb["job"] else " (events)" if verb["stream"] else ""
        out.append(f"| [{verb['name']}](#{verb['name'].lower()}-1) | `{verb['method']} {verb['path']}`{kind} "
                   f"| {verb['right']} | {verb['summary']} |")
    out += ["", "## Verbs"]
    for verb in verbs:
        request, answer = rpcs[verb["name"]]
        out += ["", f'<a id="{verb["name"].lower()}-1"></a>', f"### {verb['name']}", "",
                f"`{verb['method']} {verb['path']}`: {verb['summary']}", ""]
        fields = messages[request][1]
        if fields:
            out += table(fields) + [""]
        else:
            out += ["Takes nothing.", ""]
        out.append("Answers with an object." if answer not in messages
                   else f"Answers with [{answer}](#{answer.lower()}).")
    requests = {request for request, _ in rpcs.values()}
    out += ["", "## Messages"]
    for name, (comment, fields) in sorted(messages.items()):
        if name in requests:
            continue
        out += ["", f"### {name}", ""] + ([comment, ""] if comment else []) + table(fields)
    return "\n".join(out) + "\n"


def main():
    proto, verbs_file, version, folder = sys.argv[1:5]
    rpcs, messages = read_proto(pathlib.Path(proto).read_text())
    verbs = json.loads(pathlib.Path(verbs_file).read_text())
    missing = {verb["name"] for verb in verbs} ^ set(rpcs)
    if missing:
        raise SystemExit(f"only in one of proto and table: {', '.join(sorted(missing))}")
    wanted = {
        "openapi.json": json.dumps(openapi(verbs, rpcs, messages, version), indent=1, ensure_ascii=False) + "\n",
        "kneepoint-v1.md": page(verbs, rpcs, messages)}
    stale = []
    for name, text in wanted.items():
        path = pathlib.Path(folder) / name
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        raise SystemExit(f"{', '.join(stale)} in {folder} would be written otherwise: run tools/openapi.py without --check")


if __name__ == "__main__":
    main()
