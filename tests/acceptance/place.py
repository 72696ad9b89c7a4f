"""The fixtures in a namespace of their own, and the facts that kubectl knows about them."""

import contextlib
import json
import os
import pathlib
import subprocess
import time

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "cluster"


def kubectl(*arguments, stdin=None):
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def facts(*arguments):
    return json.loads(kubectl(*arguments, "-o", "json"))


def eventually(seconds, attempt):
    """What the attempt gives as soon as it does not fail; its last failure when the time is over."""
    end = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


class Pod:
    """A pod in the words of a list."""

    def __init__(self, pod):
        containers = pod["status"].get("containerStatuses", [])
        self.name = pod["metadata"]["name"]
        self.ready = f"{sum(c['ready'] for c in containers)}/{len(pod['spec']['containers'])}"
        self.restarts = sum(c["restartCount"] for c in containers)
        reasons = [
            reason
            for c in containers
            for state in (c["state"].get("waiting"), c["state"].get("terminated"))
            if state and (reason := state.get("reason"))
        ]
        self.status = reasons[-1] if reasons else pod["status"]["phase"]
        self.healthy = self.status == "Running" and self.ready == "{0}/{0}".format(len(pod["spec"]["containers"]))


class Place:
    """A namespace with the fixtures in it."""

    def __init__(self):
        self.run = f"a{int(time.time()) & 0xFFFFFF:x}x{os.getpid():x}"
        self.namespace = f"kube-mcp-{self.run}"
        self.crd = f"sprockets.{self.run}.kube-mcp.example"

    def fixture(self, name):
        return (FIXTURES / name).read_text().replace("RUN", self.run)

    @contextlib.contextmanager
    def set(self):
        try:
            kubectl("create", "namespace", self.namespace)
            # The operations' suite removes what a run that was killed left behind.
            marks = ["kube-mcp/suite=operations", f"kube-mcp/started={int(time.time())}"]
            kubectl("label", "namespace", self.namespace, *marks)
            kubectl("apply", "-f", "-", stdin=self.fixture("sprockets.yaml"))
            kubectl("label", "--overwrite", "crd", self.crd, *marks)
            eventually(30, lambda: kubectl("get", "serviceaccount", "default", "-n", self.namespace))
            for name in ("workloads.yaml", "settings.yaml", "references.yaml"):
                kubectl("apply", "-n", self.namespace, "-f", "-", stdin=self.fixture(name))
            objects = self.fixture("sprocket-objects.yaml")
            eventually(30, lambda: kubectl("apply", "-n", self.namespace, "-f", "-", stdin=objects))
            eventually(120, self.settled)
            yield self
        finally:
            subprocess.run(["kubectl", "delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found"])
            subprocess.run(["kubectl", "delete", "crd", self.crd, "--wait=false", "--ignore-not-found"])

    def pods(self, *selector):
        return [Pod(pod) for pod in facts("get", "pods", "-n", self.namespace, *selector)["items"]]

    def pod(self, app):
        return self.pods("-l", f"app={app}")[0]

    def object(self, kind, name):
        return facts("get", kind, name, "-n", self.namespace)

    def settled(self):
        pods = {pod.name.split("-")[0] if pod.name.startswith(("web-", "crash-")) else pod.name: pod for pod in self.pods()}
        assert pods["crash"].restarts >= 2, "crash has not restarted twice"
        assert pods["no-image"].status == "ImagePullBackOff", "no-image"
        assert sum(pod.ready == "2/2" for pod in self.pods("-l", "app=web")) == 3, "web is not ready"
        assert pods["db-0"].ready == "1/1", "db is not ready"
        assert self.object("job", "migrate")["status"].get("failed") == 1, "migrate has not failed"
