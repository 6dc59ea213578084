"""What clients of the embedded API server can't do to it: those that stay without finishing, and very many that only listen."""
import json
import os
import resource
import selectors
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
import yaml
from conftest import CROSSFADE
from control_plane import wait_for

WATCHES = 1000
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class Local:
    """A `crossfade local` of its own, spoken to without a client library."""

    def __init__(self, folder):
        self.kubeconfig = str(folder / "kubeconfig")
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen([CROSSFADE, "local", "--no-gateway", "--kubeconfig", self.kubeconfig], stdout=self.log, stderr=self.log)
        wait_for(lambda: os.path.exists(self.kubeconfig), 30, "crossfade local")
        config = yaml.safe_load(open(self.kubeconfig))
        self.url = config["clusters"][0]["cluster"]["server"]
        parts = urllib.parse.urlsplit(self.url)
        self.address = (parts.hostname, parts.port)
        self.token = (config.get("users") or [{"user": {}}])[0]["user"].get("token", "")
        wait_for(lambda: self.request("GET", "/readyz")[0] == 200, 30, "the API server")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def request(self, method, path, body=None):
        """The status and the body of the answer, and the seconds it took."""
        began = time.monotonic()
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.read(), time.monotonic() - began
        except urllib.error.HTTPError as error:
            return error.code, error.read(), time.monotonic() - began
        except OSError:
            return 0, b"", time.monotonic() - began

    def begin(self, method, path, rest=""):
        """A connection on which a request was sent, as far as `rest`."""
        connection = socket.create_connection(self.address, timeout=20)
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n{rest}".encode())
        return connection

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def local(request, tmp_path_factory):
    if request.config.getoption("--cluster") != "local":
        pytest.skip("about the embedded cluster")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 4 * WATCHES), before[1]))  # for us, and for the server: it inherits it
    server = Local(tmp_path_factory.mktemp("many"))
    yield server
    server.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_clients_that_send_half_a_request_and_stay(local):
    halves = [local.begin("GET", CONFIG_MAPS), local.begin("POST", CONFIG_MAPS, 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"kind":')]
    began = time.monotonic()
    answers = [[], []]
    while not all([closed(half, got) for half, got in zip(halves, answers)]):
        assert time.monotonic() - began < 120, "half a request is kept for ever"
        assert local.request("GET", CONFIG_MAPS)[0] == 200  # others are served all the while
        time.sleep(0.5)
    for half in halves:
        half.close()


def closed(connection, received):
    """True once the server has ended the connection; what it said before that is added to `received`."""
    if None in received:
        return True
    connection.setblocking(False)
    try:
        piece = connection.recv(65536)
    except BlockingIOError:
        return False
    except OSError:
        piece = b""
    received.append(piece or None)
    return not piece


def test_a_thousand_watches(local):
    local.request("GET", CONFIG_MAPS)
    before = local.resident_bytes()
    began = time.monotonic()
    watches = [local.begin("GET", CONFIG_MAPS + "?watch=true", "\r\n") for _ in range(WATCHES)]
    selector = selectors.DefaultSelector()
    for watch in watches:
        selector.register(watch, selectors.EVENT_READ, bytearray())
    assert count_with(selector, b"\r\n\r\n", 30) == WATCHES
    opened = time.monotonic() - began
    each = (local.resident_bytes() - before) / WATCHES

    slowest = max(local.request("GET", CONFIG_MAPS)[2] for _ in range(50))
    began = time.monotonic()
    assert local.request("POST", CONFIG_MAPS, {"metadata": {"name": "told-to-all"}})[0] == 201
    assert count_with(selector, b"told-to-all", 30) == WATCHES
    told = time.monotonic() - began
    for watch in watches:
        watch.close()
    wait_for(lambda: descriptors(local) < 100, 20, "the watches' end")
    print(f"{WATCHES} watches: opened in {opened:.2f} s, {each / 1024:.1f} KiB each, slowest read beside them {slowest * 1000:.1f} ms, all told of a change in {told * 1000:.0f} ms")
    assert each < 64 * 1024, f"{each / 1024:.1f} KiB a watch"


def count_with(selector, wanted, seconds):
    """How many connections have received `wanted`, waiting until all have."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(wanted in key.data for key in selector.get_map().values()):
            break
        for key, _ in selector.select(1):
            key.data.extend(key.fileobj.recv(65536))
    return sum(wanted in key.data for key in selector.get_map().values())


def descriptors(local):
    return len(os.listdir(f"/proc/{local.process.pid}/fd"))
