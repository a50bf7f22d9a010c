"""A node whose pods really run: what a kubelet does for the pods of a Job, with a process of this machine
in the place of each container.

    node = played_node.PlayedNode(cluster, programs={"kneepoint": PROGRAM})
    node.route("chat.serving.svc:8000", port)      # a name of the cluster's network

Real: the Node and its lease, that the scheduler binds pods to it, the claims and ConfigMaps and Secrets it
reads from the API server, the pods' status, deletion with its grace, and `kubectl logs`, which the API
server asks this node for over TLS as it asks any kubelet. Played: images and isolation. A container is
the program of that name with the same arguments and environment; paths below a mount become those of a
folder, and the cluster's DNS is a proxy that knows the names it was told."""

import asyncio
import base64
import contextlib
import http.server
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

import control_plane

ABSENT_IMAGE = "registry.test/absent:1"  # cannot be pulled
LABEL = {"kneepoint.test/node": "played"}  # which kwok leaves alone


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Network:
    """The names of the cluster: an HTTP proxy that knows where each of them is."""

    def __init__(self):
        self.routes = {}
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def serve(self, reader, writer):
        upstream, back = None, None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, _, rest = head.partition(b"\r\n")
                method, target, version = line.split(b" ")
                url = urllib.parse.urlsplit(target.decode())
                port = self.routes.get(url.netloc)
                if port is None:
                    writer.write(b"HTTP/1.1 502 no such name\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    break
                if upstream is None:
                    from_server, upstream = await asyncio.open_connection("127.0.0.1", port)
                    back = asyncio.ensure_future(self.pump(from_server, writer))
                size = next((int(field.split(b":")[1]) for field in rest.split(b"\r\n")
                             if field.lower().startswith(b"content-length:")), 0)
                path = url.path + ("?" + url.query if url.query else "")
                upstream.write(b" ".join((method, path.encode(), version)) + b"\r\n" + rest
                               + await reader.readexactly(size))
                await upstream.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            if back:
                back.cancel()
            for one in (upstream, writer):
                if one:
                    one.close()

    @staticmethod
    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class Container:
    """A pod's one container, as a process."""

    def __init__(self, pod, folder, command, environment):
        self.began = now()
        self.log = folder / "log"
        self.uid, self.name = pod["metadata"]["uid"], pod["spec"]["containers"][0]["name"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment, start_new_session=True)
        # The cores it asked for are its own: as far as this machine lets us, it goes before others.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(self.process.pid, os.SCHED_RR, os.sched_param(1))

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)


class PlayedNode:
    def __init__(self, cluster, programs, name="played-0"):
        self.name, self.programs = name, programs
        self.server = cluster.api
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-node-"))
        self.network = Network()
        self.route = self.network.routes.__setitem__
        self.running, self.logs = {}, {}  # by uid; log files by namespace/name
        self.ending = {}
        self.serve_logs(cluster.kubeconfig.parent)
        self.join()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    # --- As a node of the cluster ---

    def join(self):
        room = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "100Gi", "pods": "50"}
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux",
                  "kubernetes.io/arch": "amd64", **LABEL}
        self.server.ask("POST", "/api/v1/nodes", {
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels}})
        self.server.patch_status(f"/api/v1/nodes/{self.name}", {
            "capacity": room, "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                            "lastHeartbeatTime": now(), "lastTransitionTime": now()}]})
        self.beat()

    def beat(self):
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                 "metadata": {"name": self.name, "namespace": "kube-node-lease"},
                 "spec": {"holderIdentity": self.name, "leaseDurationSeconds": 40,
                          "renewTime": now().replace("Z", ".000000Z")}}
        where = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/" + self.name
        self.server.ask("PATCH", where + "?fieldManager=played&force=true", lease, "application/apply-patch+yaml")
        self.beaten = time.monotonic()

    def work(self):
        while not self.over.wait(0.1):
            try:
                self.look()
                if time.monotonic() - self.beaten > 10:
                    self.beat()
            except (control_plane.Failed, OSError, ValueError):
                continue  # the API server is busy or ending; the next look tells

    def look(self):
        pods = self.server.ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName=" + self.name)["items"]
        for pod in pods:
            uid, meta = pod["metadata"]["uid"], pod["metadata"]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
            container = self.running.get(uid)
            if meta.get("deletionTimestamp"):
                self.leave(pod, path, container, meta.get("deletionGracePeriodSeconds", 30))
            elif container is None and pod["status"].get("phase") == "Pending":
                self.begin(pod, path)
            elif container and container.process.poll() is not None and \
                    pod["status"].get("phase") == "Running":
                self.server.patch_status(path, self.status(pod, container))

    def begin(self, pod, path):
        spec = pod["spec"]["containers"][0]
        if spec["image"] == ABSENT_IMAGE:
            self.server.patch_status(path, {"phase": "Pending", "containerStatuses": [{
                "name": spec["name"], "image": spec["image"], "imageID": "", "ready": False,
                "restartCount": 0, "state": {"waiting": {
                    "reason": "ImagePullBackOff", "message": "Back-off pulling image " + spec["image"]}}}]})
            return
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        folder = self.folder / uid
        folder.mkdir()
        places = {mount["mountPath"]: self.volume(pod, mount["name"], folder)
                  for mount in spec.get("volumeMounts", [])}

        def here(text):
            for mount in sorted(places, key=len, reverse=True):
                text = text.replace(mount, str(places[mount]))
            return text

        command = [self.programs[spec["command"][0]], *map(here, spec["command"][1:])]
        environment = {"PATH": "/usr/bin:/bin", "http_proxy": f"http://127.0.0.1:{self.network.port}"}
        for one in spec.get("env", []):
            reference = one.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                secret = self.server.ask(
                    "GET", f"/api/v1/namespaces/{meta['namespace']}/secrets/{reference['name']}")
                environment[one["name"]] = base64.b64decode(secret["data"][reference["key"]]).decode()
            else:
                environment[one["name"]] = here(one["value"])
        container = Container(pod, folder, command, environment)
        self.running[uid] = container
        self.logs[f"{meta['namespace']}/{meta['name']}"] = container
        self.server.patch_status(path, self.status(pod, container))

    def volume(self, pod, name, folder):
        namespace = pod["metadata"]["namespace"]
        volume = next(one for one in pod["spec"]["volumes"] if one["name"] == name)
        into = folder / name
        if "configMap" in volume:
            into.mkdir()
            found = self.server.ask(
                "GET", f"/api/v1/namespaces/{namespace}/configmaps/{volume['configMap']['name']}")
            for file, text in found.get("data", {}).items():
                (into / file).write_text(text, encoding="utf-8")
            for file, data in found.get("binaryData", {}).items():
                (into / file).write_bytes(base64.b64decode(data))
            return into
        if "persistentVolumeClaim" in volume:
            claim = self.server.ask("GET", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/"
                                    + volume["persistentVolumeClaim"]["claimName"])
            disk = self.server.ask("GET", "/api/v1/persistentvolumes/" + claim["spec"]["volumeName"])
            return pathlib.Path(disk["spec"]["hostPath"]["path"])
        into.mkdir()  # an emptyDir
        return into

    def status(self, pod, container):
        spec, code = pod["spec"]["containers"][0], container.process.poll()
        over = code is not None
        state = {"terminated": {"exitCode": code if code >= 0 else 128 - code,
                                "reason": "Completed" if code == 0 else "Error",
                                "startedAt": container.began, "finishedAt": now()}} if over else \
                {"running": {"startedAt": container.began}}
        ready = {"status": "False" if over else "True", "lastTransitionTime": now()}
        phase = "Running" if not over else "Succeeded" if code == 0 else "Failed"
        return {"phase": phase, "startTime": container.began, "hostIP": "127.0.0.1",
                "conditions": [*pod["status"].get("conditions", [])[:1],
                               {"type": "ContainersReady", **ready}, {"type": "Ready", **ready}],
                "containerStatuses": [{"name": spec["name"], "image": spec["image"], "imageID": "",
                                       "ready": not over, "started": not over, "restartCount": 0,
                                       "state": state}]}

    def leave(self, pod, path, container, grace):
        uid = pod["metadata"]["uid"]
        if container and container.process.poll() is None:
            until = self.ending.get(uid)
            if until is None:
                container.end()
                self.ending[uid] = time.monotonic() + grace
            elif time.monotonic() > until:
                container.end(signal.SIGKILL)
            return
        # How it ended is said before it goes: its Job waits for that.
        if container and pod["status"].get("phase") == "Running":
            self.server.patch_status(path, self.status(pod, container))
        # With the pod goes what was in it alone, and its log.
        self.running.pop(uid, None)
        self.logs = {name: one for name, one in self.logs.items() if one.uid != uid}
        shutil.rmtree(self.folder / uid, ignore_errors=True)
        self.server.ask("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1",
                                         "gracePeriodSeconds": 0})

    # --- As a kubelet that is asked for logs ---

    def serve_logs(self, keys):
        node = self

        class Kubelet(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                parts = url.path.strip("/").split("/")
                container = node.logs.get("/".join(parts[1:3])) if parts[0] == "containerLogs" else None
                if container is None:
                    self.send_error(404, "no such container here")
                    return
                follow = urllib.parse.parse_qs(url.query).get("follow") == ["true"]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                with open(container.log, "rb") as log:
                    while True:
                        over = container.process.poll() is not None or not follow
                        try:
                            while data := log.read(65536):
                                self.wfile.write(data)
                            self.wfile.flush()
                        except OSError:
                            return  # who asked has gone
                        if over or node.over.is_set():
                            return
                        time.sleep(0.05)

            def log_message(self, *_):
                pass

        self.https = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kubelet)
        self.https.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys / "server.crt", keys / "server.key")
        self.https.socket = context.wrap_socket(self.https.socket, server_side=True,
                                                do_handshake_on_connect=False)
        self.port = self.https.server_address[1]
        threading.Thread(target=self.https.serve_forever, daemon=True).start()

    # --- For tests ---

    def kill(self, pod):
        """Ends a pod's process as a machine that dies does: without a word."""
        self.logs[pod].end(signal.SIGKILL)

    def stop(self):
        self.over.set()
        self.thread.join(5)
        for container in self.running.values():
            container.end(signal.SIGKILL)
            container.process.wait()
        try:  # or pods that nobody plays would come here
            self.server.ask("DELETE", "/api/v1/nodes/" + self.name)
        except (control_plane.Failed, OSError):
            pass  # the API server ended first
        self.https.shutdown()
        self.https.server_close()
        self.network.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
