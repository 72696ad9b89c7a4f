"""A conversation with the server through the Python SDK, as a client of one era or the other."""

import os
import pathlib
import subprocess
import tempfile
import time

from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp_types import PromptReference, ResourceTemplateReference

from place import kubectl

TEMPLATE = "k8s://{cluster}/{namespace}/{kind}/{name}"


async def converse(program, place, mode):
    """Lists, calls, completes, reads and asks for the prompt; `mode` is legacy, auto or a revision."""
    environment = {**os.environ, "KUBECONFIG": os.environ["KUBECONFIG"]}
    parameters = StdioServerParameters(command=program, env=environment)
    # Its audit lines are no part of the report.
    with open(os.devnull, "w") as quiet:
        await with_client(stdio_client(parameters, errlog=quiet), place, mode)


async def converse_over_http(program, place, mode):
    """The same over HTTP, with the token that the server's file tells."""
    with tempfile.NamedTemporaryFile("r") as log:
        line = [program, "serve", "--transport", "http", "--listen", "127.0.0.1:0"]
        server = subprocess.Popen(line, stderr=open(log.name, "w"))
        try:
            told = started(log)
            url = next(word for word in told if word.startswith("http://")).rstrip(";")
            headers = {"Authorization": f"Bearer {pathlib.Path(told[-1]).read_text()}"}
            async with create_mcp_http_client(headers=headers) as http:
                await with_client(streamable_http_client(url, http_client=http), place, mode)
        finally:
            server.terminate()
            assert server.wait(timeout=5) == 0, "the server ended badly"


def started(log):
    """The words of the two lines with which a server says where it is."""
    for _ in range(100):
        log.seek(0)
        lines = log.readlines()
        if len(lines) >= 2 and lines[1].endswith("\n"):
            return " ".join(lines[:2]).split()
        time.sleep(0.05)
    raise AssertionError("the server did not start")


async def with_client(server, place, mode):
    async with Client(server, mode=mode) as client:
        revision = str(client.protocol_version)
        modern = mode != "legacy"
        assert (revision == "2026-07-28") == modern, f"{mode} speaks {revision}"

        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools["pods_list"].annotations.read_only_hint is True, tools["pods_list"]
        assert tools["resources_label"].annotations.read_only_hint is not True, tools["resources_label"]

        arguments = {"namespace": place.namespace, "selector": "app=web"}
        result = await client.call_tool("pods_list", arguments)
        text = result.content[0].text
        assert not result.is_error, text
        for pod in place.pods("-l", "app=web"):
            assert pod.name in text, f"{pod.name} is not in:\n{text}"
        assert result.structured_content is None, "the same data twice"

        result = await client.call_tool("resources_list", {"kind": "sproket"})
        assert result.is_error and "Sprocket" in result.content[0].text, result

        prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert "pod_troubleshooting" in prompts, prompts
        pod = place.pod("crash")
        wanted = {"name": pod.name, "namespace": place.namespace}
        prompt = await client.get_prompt("pod_troubleshooting", wanted)
        text = "\n".join(message.content.text for message in prompt.messages)
        assert "PAYMENT_URL is not set" in text and pod.name in text, text

        reference = PromptReference(name="pod_troubleshooting")
        argument = {"name": "name", "value": "no-im"}
        completed = await client.complete(reference, argument, {"namespace": place.namespace})
        assert completed.completion.values == ["no-image"], completed

        templates = [str(template.uri_template) for template in (await client.list_resource_templates()).resource_templates]
        assert TEMPLATE in templates, templates
        cluster = kubectl("config", "current-context").strip()
        contents = await client.read_resource(f"k8s://{cluster}/{place.namespace}/ConfigMap/settings")
        text = contents.contents[0].text
        assert f"hello from {place.run}" in text and "planted" not in text, text

        reference = ResourceTemplateReference(uri=TEMPLATE)
        known = {"cluster": cluster, "namespace": place.namespace, "kind": "ConfigMap"}
        completed = await client.complete(reference, {"name": "name", "value": "paint-m"}, known)
        assert completed.completion.values == ["paint-many-1", "paint-many-2"], completed
