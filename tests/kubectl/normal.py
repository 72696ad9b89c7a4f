"""Takes out of objects and of what kubectl prints what no two clusters share: when, where, and names made up."""

import json
import re

# Values that are known by how they look.
LOOKS = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\b(\d{1,3}\.){3}\d{1,3}\b"), "<address>"),
    (re.compile(r"\b[a-z-]+://[0-9a-f]{64}\b"), "<container>"),
    (re.compile(r"\b\S+@sha256:[0-9a-f]{64}\b"), "<image>"),
    # Why the scheduler finds no place, node by node.
    (re.compile(r"\b(\d+/)?\d+ (?=nodes are available|Insufficient|node\(s\)|Preemption is not)"), "<number> "),
    # An image that is not there is asked for again and again, and each runtime has words of its own for it.
    (re.compile(r"\b(ErrImagePull|ImagePullBackOff)\b"), "<ErrImagePull or ImagePullBackOff>"),
    (re.compile(r"(Back-off pulling image .*: )?rpc error: code = \w+ desc = failed to pull .*"), "<why not>"),
    # An image that has several tags is told by any of them.
    (re.compile(r"\bdocker\.io/library/busybox:(1\.36|latest)"), "<image>"),
    (re.compile(r"(?<=Image size: )\d+"), "<size>"),
    (re.compile(r"\bkube-api-access-[a-z0-9]{5}\b"), "kube-api-access-*"),
    (re.compile(r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----"), "<certificate>"),
]
# Values that are known by their key.
KEYS = {
    "resourceVersion": "<version>",
    "nodePort": "<port>",
    "healthCheckNodePort": "<port>",
}
# What is printed besides.
PRINTED = [
    # What the client's library logs of its own, as when a deadline ends a watch.
    (re.compile(r"^[IWE]\d{4} \d\d:\d\d:\d\d.*\n", re.M), ""),
    # Ages, alone in their column or in brackets.
    (re.compile(r"(?<![^\s(])(\d+(\.\d+)?(y|d|h|ms|m|s)){1,2}(?=[\s),]|$)", re.M), "<age>"),
    # How often a thing was told follows from how long it lasted.
    (re.compile(r"<age> \(x\d+ over <age>\)"), "<age>"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "<time>"),
    (re.compile(r"(?<=:)3[0-2]\d{3}(?=/(TCP|UDP))"), "<port>"),
    (re.compile(r'(resourceVersion\\?"?: ?\\?"|\bResource Version: +)\d+', re.M), r"\1<version>"),
    # Columns are as wide as what is in them.
    (re.compile(r"(?<=\S)( {2,}|\t+ *)"), "  "),
    (re.compile(r"[ \t]+$", re.M), ""),
]
# Where replica sets and controller revisions keep the hash of what they were made from.
HASHES = ("pod-template-hash", "controller.kubernetes.io/hash", "controller-revision-hash")


def owner(item):
    reference = next(iter(item["metadata"].get("ownerReferences", [])), {})
    return reference.get("kind"), reference.get("name")


def revision(item):
    """What sorts the generations of a template from the first to the last."""
    told = item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", 0)
    return int(item.get("revision", told)), item["metadata"]["creationTimestamp"]


# What a controller writes as often as it comes to it: no two write endpoint slices equally often.
UNSTEADY = {"EndpointSlice": (("generation",), ("annotations", "endpoints.kubernetes.io/last-change-trigger-time"))}


def steady(item):
    """An object without what depends on when its controller came to it."""
    for *path, last in UNSTEADY.get(item["kind"], ()):
        place = item["metadata"]
        for key in path:
            place = place.get(key, {})
        place.pop(last, None)
    if item["metadata"].get("annotations") == {}:
        del item["metadata"]["annotations"]
    return item


class Normal:
    """What one cluster calls things, and what they are called in a comparison."""

    def __init__(self, namespace):
        self.names = {namespace: "NAMESPACE"}
        self.counts = {}

    def tell(self, name, values):
        self.names |= {value: name for value in values}

    def made_up(self, items):
        """Learns which names the cluster made up."""
        made = [item for item in items if item["kind"] in ("ReplicaSet", "ControllerRevision")]
        for item in sorted(made, key=revision):
            labels = item["metadata"].get("labels", {})
            value = next((labels[label] for label in HASHES if label in labels), None)
            if value and value not in self.names:
                count = self.counts[owner(item)] = self.counts.get(owner(item), 0) + 1
                self.names[value] = f"<{count}>"
        for item in items:
            meta = item["metadata"]
            base = meta.get("generateName")
            if owner(item)[0] == "CronJob":
                base = owner(item)[1] + "-"
            # The pods of a stateful set are counted, not made up.
            if base and meta["name"].startswith(base) and owner(item)[0] != "StatefulSet":
                self.names.setdefault(meta["name"], self.named(base) + "*")

    def named(self, text):
        pattern = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.sub(rf"(?<![a-z0-9])({pattern})(?![a-z0-9])", lambda found: self.names[found[0]], text)

    def text(self, text):
        text = self.named(text)
        for pattern, name in LOOKS:
            text = pattern.sub(name, text)
        return text

    def objects(self, items):
        """Objects as text by kind and name; those whose names are made up in the order of what is in them."""
        self.made_up(items)
        found = {}
        for item in items:
            name = f"{item['kind']} {self.named(item['metadata']['name'])}"
            found.setdefault(name, []).append(json.dumps(self.clean(steady(item)), indent=1, sort_keys=True))
        return {
            f"{name} {number}" if number else name: text
            for name, texts in found.items()
            for number, text in enumerate(sorted(texts))
        }

    def clean(self, value, key=""):
        if isinstance(value, dict):
            return {self.text(name): self.clean(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            inner = [self.clean(one) for one in value]
            # Neither has an order that would mean something.
            if key in ("conditions", "endpoints"):
                inner.sort(key=lambda one: json.dumps(one, sort_keys=True))
            return inner
        if key in KEYS:
            return KEYS[key]
        return self.text(value) if isinstance(value, str) else value

    def output(self, done, step):
        """What a command said, as one text."""
        code, output, errors = done
        output, errors = (self.printed(text, step) for text in (output, errors))
        return f"exit code {code}\n--- output\n{output}\n--- errors\n{errors}"

    def printed(self, text, step):
        text = self.text(text)
        for pattern, name in PRINTED:
            text = pattern.sub(name, text)
        for pattern in step.get("blank", {}):
            # Whole lines go without a trace: one of the two clusters may not have them.
            text = re.sub(pattern, lambda found: "" if found[0].endswith("\n") else "<...>", text, flags=re.M)
        if step.get("unordered"):
            text = "\n".join(sorted(text.splitlines()))
        return text
