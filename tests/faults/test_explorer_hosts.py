"""The explorer answers only who asked for this machine, and ends when it is told to."""

import http.client
import os
import signal
import socket

import pytest

from tests.faults.conftest import children, start, wait_for

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def explorer():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start("explore", "--port", port, "--allow-host", "lab.example")
    try:
        wait_for(lambda: answers(process, port))
        yield process, port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def answers(process, port):
    assert process.poll() is None, process.communicate()
    try:
        return ask(port, f"127.0.0.1:{port}", path="/_stcore/health")[0] == 200
    except OSError:
        return False


def ask(port, host, origin=None, path="/", upgrade=False):
    """Return status and headers of a request with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        if origin:
            connection.putheader("Origin", origin)
        if upgrade:
            for name, value in (
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ):
                connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LAB.example", "localhost."])
def test_a_name_of_this_machine_is_answered_and_may_not_be_framed(explorer, name):
    _, port = explorer
    status, headers = ask(port, f"{name}:{port}", f"http://{name}:{port}")
    assert status == 200
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "10.1.2.3", "", "[:"])
@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/stream"])
def test_a_foreign_host_is_refused(explorer, name, path):
    _, port = explorer
    assert ask(port, f"{name}:{port}", path=path)[0] in (400, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize("upgrade", [False, True])
def test_a_foreign_origin_is_refused(explorer, origin, upgrade):
    _, port = explorer
    path = "/_stcore/stream" if upgrade else "/"
    assert ask(port, f"127.0.0.1:{port}", origin, path, upgrade)[0] == 403


def test_a_page_of_its_own_gets_its_stream(explorer):
    _, port = explorer
    host = f"127.0.0.1:{port}"
    assert ask(port, host, f"http://{host}", "/_stcore/stream", upgrade=True)[0] == 101


def test_sigterm_ends_all_of_it(explorer):  # the last one: it ends the server
    process, port = explorer
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert children(process.pid) == []
    with pytest.raises(OSError, match="refused"):
        ask(port, f"127.0.0.1:{port}")
