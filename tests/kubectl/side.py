"""One of the two clusters, asked by kubectl."""

import json
import os
import shlex
import subprocess
import time

from normal import Normal

# What is compared after each step, in the namespace of the steps.
KINDS = (
    "configmaps,secrets,serviceaccounts,persistentvolumeclaims,services,pods,deployments,replicasets,statefulsets,"
    "daemonsets,controllerrevisions,jobs,cronjobs,horizontalpodautoscalers,poddisruptionbudgets,endpointslices,"
    "ingresses,networkpolicies,roles,rolebindings,resourcequotas,limitranges"
)
# No command takes longer; those that a step waits for are repeated as long.
LONGEST = 60


class Side:
    """A cluster, and the namespace in it that the steps are played in."""

    def __init__(self, home, kubeconfig, namespace, manifests):
        home.mkdir()
        config = home / "config"
        config.write_text(kubeconfig)
        # kubectl keeps what it discovers at home.
        self.environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(home)}
        self.namespace = namespace
        self.folder = home / "manifests"
        self.folder.mkdir()
        self.manifests = manifests
        self.normal = Normal(namespace)

    def begin(self):
        self.must("config", "set-context", "--current", f"--namespace={self.namespace}")
        nodes = self.must("get", "nodes", "-o", "name").replace("node/", "").split()
        self.node = nodes[0]
        self.normal.tell("NODE", nodes)
        for path in self.manifests.iterdir():
            (self.folder / path.name).write_text(self.filled(path.read_text()))
        self.must("create", "namespace", self.namespace)
        self.until("get serviceaccount default")

    def end(self, also):
        """Removes the namespace, and what the steps made outside of it."""
        self.kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")
        for query in also:
            if "/" in query:
                self.kubectl("delete", *self.words(query), "--wait=false", "--ignore-not-found")

    def filled(self, text):
        """The text of a step or a manifest, for this cluster."""
        return text.replace("NAMESPACE", self.namespace).replace("NODE", self.node)

    def play(self, step):
        """Runs a step's command; gives exit code, output and error output."""
        for command in step.get("before", []):
            self.until(command)
        if "during" in step:
            done = self.watched(step)
        else:
            done = self.kubectl(*self.words(step["run"]), stdin=self.filled(step.get("stdin", "")))
        for command in step.get("until", []):
            self.until(command)
        return done

    def watched(self, step):
        """Runs commands while the step's own, a watch, is open; ends it unless it ends by itself."""
        process = subprocess.Popen(
            ["kubectl", *self.words(step["run"])], env=self.environment, cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        time.sleep(1)
        for command in step["during"]:
            self.kubectl(*self.words(command))
            time.sleep(0.3)
        try:
            output, errors = process.communicate(timeout=2)
            return process.returncode, output, errors
        except subprocess.TimeoutExpired:
            process.terminate()
            output, errors = process.communicate()
            return "still open", output, errors

    def until(self, command):
        """Repeats a command until it succeeds; what does not come is left to the comparison."""
        end = time.monotonic() + LONGEST
        while self.kubectl(*self.words(command))[0] != 0 and time.monotonic() < end:
            time.sleep(0.5)

    def objects(self, also):
        """All objects that are compared, as normalised text by name."""
        items = json.loads(self.must("get", KINDS, "-o", "json"))["items"]
        for query in also:
            code, output, _ = self.kubectl("get", *self.words(query), "--ignore-not-found", "-o", "json")
            if code == 0 and output:
                found = json.loads(output)
                items += found["items"] if "items" in found else [found]
        return self.normal.objects(items)

    def words(self, command):
        return shlex.split(self.filled(command))

    def must(self, *words):
        code, output, errors = self.kubectl(*words)
        if code != 0:
            raise RuntimeError(f"kubectl {' '.join(words)}: {errors}")
        return output

    def kubectl(self, *words, stdin=""):
        try:
            done = subprocess.run(
                ["kubectl", *words], env=self.environment, cwd=self.folder, input=stdin,
                capture_output=True, text=True, timeout=LONGEST,
            )
            return done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            return f"not ended after {LONGEST} s", "", ""
