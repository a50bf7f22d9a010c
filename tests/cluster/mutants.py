"""Manifests with one change each, drawn by seed: what a slip of the hand does to a good one.

A mutator takes a document and a random.Random and changes the document. One of MISTAKES returns a part of
what the API server then says; one of SLIPS returns an empty text, because what it does may be a mistake or
not, and the server decides. Either returns None where the document has nothing for it. So whatever judges
manifests can be asked about changes that nobody picked by hand.
"""

import copy
import random

MISTAKES, SLIPS = {}, {}
# Below these every key is the user's own, so a slip in one is no unknown field.
FREE = {"labels", "annotations", "matchLabels", "nodeSelector", "requests", "limits", "selector", "data",
        "parameters", "metadata", "volumeAttributes"}


def mutator(change):
    MISTAKES[change.__name__.replace("_", " ")] = change
    return change


def slip(change):
    SLIPS[change.__name__.replace("_", " ")] = change
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


# From here on the server decides.

TOP = {"apiVersion", "kind"}


def places(document, wanted=lambda value: True):
    """(mapping or list, key or index) of every value below the kind that is wanted."""
    found = []

    def walk(node, top=False):
        for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
            if top and key in TOP:
                continue
            if wanted(value):
                found.append((node, key))
            if isinstance(value, (dict, list)):
                walk(value)

    walk(document, True)
    return found


def a_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def replaced(document, draw, wanted, others):
    """Somewhere a wanted value becomes another one."""
    found = places(document, wanted)
    if not found:
        return None
    node, key = draw.choice(found)
    old = node[key]
    choices = [new for new in others(old) if new != old or type(new) is not type(old)]
    if not choices:
        return None
    node[key] = draw.choice(choices)
    return ""


@slip
def a_field_is_gone(document, draw):
    found = [(node, key) for node, key in places(document) if isinstance(node, dict)]
    node, key = draw.choice(found)
    del node[key]
    return ""


@slip
def a_value_is_null(document, draw):
    return replaced(document, draw, lambda value: True, lambda _: [None])


@slip
def a_value_is_empty(document, draw):
    return replaced(document, draw, lambda value: value not in ("", [], {}),
                    lambda value: [type(value)() if isinstance(value, (str, dict, list)) else ""])


@slip
def a_value_has_another_type(document, draw):
    def others(value):
        if isinstance(value, str):
            return [7, 0.5, True, [value], {"value": value}]
        if isinstance(value, bool):
            return [str(value).lower(), int(value)]
        return [str(value), float(value) + 0.5, True, [value]]

    return replaced(document, draw, lambda value: isinstance(value, (str, bool)) or a_number(value), others)


@slip
def a_number_is_another(document, draw):
    return replaced(document, draw, a_number, lambda _: [0, -1, 5, 4000, 70000, 2**31, 2**40])


@slip
def a_text_is_another(document, draw):
    return replaced(document, draw, lambda value: isinstance(value, str),
                    lambda value: ["a b", "A_b", "/", "-", value + "!", value + value, "a" * 300, "café"])


@slip
def a_word_has_another_case(document, draw):
    def others(value):
        return [value.swapcase(), value.lower(), value[:1].swapcase() + value[1:]]

    return replaced(document, draw, lambda value: isinstance(value, str) and value.isalpha()
                    and value.swapcase() != value, others)


@slip
def an_entry_is_there_twice(document, draw):
    lists = [node[key] for node, key in places(document, lambda value: isinstance(value, list) and value)]
    if not lists:
        return None
    found = draw.choice(lists)
    found.append(copy.deepcopy(draw.choice(found)))
    return ""


@slip
def a_field_lies_elsewhere(document, draw):
    found = [(node, key) for node, key in places(document) if isinstance(node, dict)]
    node, key = draw.choice(found)
    moved = node.pop(key)
    mappings = [document] + [inside[name] for inside, name in places(
        document, lambda value: isinstance(value, dict))]
    draw.choice(mappings)[key] = moved
    return ""


@slip
def something_harmless_is_added(document, draw):
    metadata = document["metadata"]
    name, value = draw.choice([("team", "search"), ("example.com/cost-centre", "A.1_b-2"), ("empty", "")])
    metadata.setdefault(draw.choice(["labels", "annotations"]), {})[name] = value
    for container in containers(document):
        container.setdefault("env", []).append({"name": f"EXTRA_{draw.randrange(99)}", "value": "1"})
    return ""


def mutants(documents, seed, each, among=None):
    """(mutator's name, number of the document, changed document, what the server says) for `each` documents
    that a mutator can change, drawn from the given ones, all kinds alike; fewer where it finds fewer."""
    kinds = {}
    for number, document in enumerate(documents):
        kinds.setdefault(document["kind"], []).append(number)
    for name, change in sorted((among or MISTAKES | SLIPS).items()):
        draw = random.Random(f"{seed} {name}")
        made = 0
        for _ in range(each * 40):
            number = draw.choice(kinds[draw.choice(sorted(kinds))])
            document = copy.deepcopy(documents[number])
            says = change(document, draw)
            if says is not None:
                yield name, number, document, says
                made += 1
                if made == each:
                    break
