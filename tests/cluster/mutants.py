"""Manifests with one mistake each, drawn by seed: what a slip of the hand does to a good one.

A mutator takes a document and a random.Random, changes a copy and returns it with a part of what the API
server then says, or returns None where the document has nothing to spoil. So whatever judges manifests can
be asked about mistakes that nobody picked by hand.
"""

import copy
import random

MUTATORS = {}
# Below these every key is the user's own, so a slip in one is no unknown field.
FREE = {"labels", "annotations", "matchLabels", "nodeSelector", "requests", "limits", "selector", "data",
        "parameters", "metadata", "volumeAttributes"}


def mutator(change):
    MUTATORS[change.__name__.replace("_", " ")] = change
    return change


def inner(node, free=False):
    """Every mapping whose keys are a schema's, with the lists and mappings in it."""
    if isinstance(node, dict):
        if not free:
            yield node
        for key, value in node.items():
            yield from inner(value, key in FREE)
    elif isinstance(node, list):
        for value in node:
            yield from inner(value, free)


def pod(document):
    return document.get("spec", {}).get("template", {}).get("spec") if isinstance(
        document.get("spec", {}).get("template"), dict) else None


def containers(document):
    found = pod(document)
    return found.get("containers", []) if found else []


@mutator
def a_letter_is_missing(document, draw):
    places = [(node, key) for node in inner(document.get("spec")) for key in node if len(key) > 4]
    if not places:
        return None
    node, key = draw.choice(places)
    at = draw.randrange(1, len(key))
    wrong = key[:at] + key[at + 1:]
    if wrong in node:
        return None
    node[wrong] = node.pop(key)
    return wrong


@mutator
def two_letters_are_swapped(document, draw):
    places = [(node, key) for node in inner(document.get("spec")) for key in node if len(key) > 4]
    if not places:
        return None
    node, key = draw.choice(places)
    pairs = [at for at in range(len(key) - 1) if key[at] != key[at + 1]]
    at = draw.choice(pairs)
    wrong = key[:at] + key[at + 1] + key[at] + key[at + 2:]
    node[wrong] = node.pop(key)
    return wrong


@mutator
def a_field_lies_one_level_too_high(document, draw):
    found = pod(document)
    if not found:
        return None
    key = draw.choice(sorted(found))
    document["spec"][key] = found.pop(key)
    return f'unknown field "spec.{key}"'


@mutator
def a_list_is_a_mapping(document, draw):
    places = [(node, key) for node in inner(document.get("spec")) for key, value in node.items()
              if isinstance(value, list) and value and isinstance(value[0], dict)]
    if not places:
        return None
    node, key = draw.choice(places)
    node[key] = node[key][0]
    return key


@mutator
def a_label_is_a_number(document, draw):
    labels = document["metadata"].setdefault("labels", {})
    labels["version"] = draw.choice([1, 2.5, 8])
    return "labels"


@mutator
def a_label_is_the_name_of_a_model(document, draw):
    labels = document["metadata"].setdefault("labels", {})
    labels["model"] = draw.choice(["google/gemma-2-27b-it", "Qwen/Qwen3-8B", "-leading-dash"])
    return "a valid label must be an empty string or consist of alphanumeric"


@mutator
def the_name_has_capitals(document, draw):
    if document["apiVersion"].startswith("rbac."):  # names of roles may be any part of a path
        return None
    document["metadata"]["name"] = document["metadata"]["name"].title() + draw.choice("ABC")
    return "must consist of lower case alphanumeric characters"


@mutator
def a_variable_is_a_number(document, draw):
    variables = [one for container in containers(document) for one in container.get("env", []) if "value" in one]
    if not variables:
        return None
    draw.choice(variables)["value"] = draw.choice([8000, 0.9, True])
    return "EnvVar.spec.template.spec.containers.env.value of type string"


@mutator
def a_quantity_has_a_unit_of_its_own(document, draw):
    amounts = [container["resources"][side] for container in containers(document)
               for side in ("requests", "limits") if container.get("resources", {}).get(side)]
    if not amounts:
        return None
    draw.choice(amounts)["memory"] = draw.choice(["16GB", "16 Gi", "lots"])
    return "quantities must match the regular expression"


@mutator
def requests_are_above_limits(document, draw):
    for container in containers(document):
        resources = container.get("resources", {})
        if "memory" in resources.get("limits", {}):
            resources.setdefault("requests", {})["memory"] = draw.choice(["9Ti", "20000Gi"])
            return "must be less than or equal to memory limit"
    return None


@mutator
def accelerators_are_asked_for_without_a_limit(document, _):
    for container in containers(document):
        if container.get("resources", {}).get("limits", {}).pop("nvidia.com/gpu", None):
            container["resources"].setdefault("requests", {})["nvidia.com/gpu"] = "1"
            return "Limit must be set for non overcommitable resources"
    return None


@mutator
def the_image_is_missing(document, draw):
    if not containers(document):
        return None
    draw.choice(containers(document)).pop("image", None)
    return "image: Required value"


@mutator
def the_selector_fits_no_pod(document, draw):
    selector = document.get("spec", {}).get("selector")
    if not containers(document) or not isinstance(selector, dict) or "matchLabels" not in selector:
        return None
    key = draw.choice(sorted(selector["matchLabels"]))
    selector["matchLabels"][key] += "-other"
    return "`selector` does not match template `labels`"


@mutator
def a_mount_has_no_volume(document, _):
    found = pod(document)
    if not found or not any(container.get("volumeMounts") for container in containers(document)):
        return None
    found.pop("volumes", None)
    return "volumeMounts[0].name: Not found"


@mutator
def a_probe_asks_two_ways(document, draw):
    probes = [container[name] for container in containers(document)
              for name in ("startupProbe", "readinessProbe", "livenessProbe") if "httpGet" in container.get(name, {})]
    if not probes:
        return None
    draw.choice(probes)["tcpSocket"] = {"port": 8000}
    return "may not specify more than 1 handler type"


@mutator
def a_port_is_above_all_ports(document, draw):
    ports = [one for container in containers(document) for one in container.get("ports", [])]
    if not ports:
        return None
    draw.choice(ports)["containerPort"] = draw.choice([65536, 80000])
    return "must be between 1 and 65535"


@mutator
def the_version_is_gone(document, draw):
    group = document["apiVersion"].rpartition("/")[0]
    version = draw.choice(["v1beta7", "v0", "v9"])
    document["apiVersion"] = f"{group}/{version}" if group else version
    return "no matches for kind"


def mutants(documents, seed, each):
    """(mutator's name, document, what the server says) for `each` documents that it can spoil, drawn from
    the given ones; fewer where it finds fewer."""
    for name, change in sorted(MUTATORS.items()):
        draw = random.Random(f"{seed} {name}")
        made = 0
        for _ in range(each * 20):
            document = copy.deepcopy(draw.choice(documents))
            says = change(document, draw)
            if says:
                yield name, document, says
                made += 1
                if made == each:
                    break
