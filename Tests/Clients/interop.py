#!/usr/bin/env python3
"""Programs that people put before a server: curl, wrk, nginx with the README's lines, and systemd's check of the README's unit.

Usage: run.sh interop.py           (`make interop` calls it; curl, openssl, wrk and nginx must be there)
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request

import openai_client
import server

HERE = pathlib.Path(__file__).parent
README = HERE.parent.parent / "README.md"
CHAT = "/v1/chat/completions"


def say(text):
    print(f"✓ {text}", flush=True)


def readme(kind):
    """The README's one block of this kind."""
    [block] = re.findall(rf"^```{kind}\n(.*?)^```$", README.read_text(), re.M | re.S)
    return block


def body(**options):
    return json.dumps({
        "model": server.BASE, "messages": [{"role": "user", "content": "Tell me of the sea."}], "max_tokens": 16,
        "temperature": 0, **options,
    })


def endless(tokens):
    return body(stream=True, max_tokens=tokens, logit_bias=openai_client.ENDLESS)


def curl(*words):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, f"curl {' '.join(words)[:200]} ended with {done.returncode}: {done.stderr.decode()}"
    return done.stdout.decode(), done.stderr.decode()


def metrics(address):
    with urllib.request.urlopen(f"{address}/metrics", timeout=20) as response:
        return response.read().decode()


def running(address):
    return int(re.search(r"^lorikeet_requests_running (\d+)$", metrics(address), re.M)[1])


# ---- curl ----


def check_streams(address):
    """Two events are read while the answer is still being made."""
    for words in [["-N"], ["-N", "--http1.0"]]:
        command = ["curl", "-sS", "--max-time", "60", *words, address + CHAT, "-d", endless(300)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            events = [line for line in (process.stdout.readline() for _ in range(4)) if line != "\n"]
            assert all(event.startswith("data: {") for event in events), events
            openai_client.until("the answer is still being made", lambda: running(address) == 1)
            events += [line for line in process.stdout if line != "\n"]
        assert events[-1] == "data: [DONE]\n" and len(events) > 100, events[-3:]
        say(f"curl {' '.join(words)}: {len(events)} events, one by one")


def check_curl(address):
    check_streams(address)

    text, _ = curl("-i", "--http1.0", address + CHAT, "-d", body())
    assert re.match(r"HTTP/1\.[01] 200 ", text) and '"chat.completion"' in text, text
    assert "transfer-encoding" not in text.lower(), text
    say("curl --http1.0: a whole answer")

    text, _ = curl("-I", f"{address}/v1/models")
    assert text.startswith("HTTP/1.1 200 ") and "content-length" in text.lower() and "{" not in text, text
    say("curl -I: the head alone")

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(body(messages=[{"role": "user", "content": "word " * 400_000}]))
        file.flush()
        text, talk = curl("-v", "-H", "Expect: 100-continue", address + CHAT, "--data-binary", "@" + file.name)
    assert "HTTP/1.1 100 Continue" in talk, talk
    assert json.loads(text)["error"]["code"] == "context_length_exceeded", text
    say("curl with Expect: 100-continue: 2 MB are taken, then refused as too long for the model")

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(" " * (9 << 20))
        file.flush()
        text, _ = curl("-o", "/dev/null", "-w", "%{http_code}", address + CHAT, "--data-binary", "@" + file.name)
    assert text == "413", text
    say("curl: 9 MB are too much (413)")


def check_shown_line(lorikeet):
    """The line that the server shows at its start, typed as it stands."""
    shown = lorikeet.start_for_people()
    line = re.search(r"^try: (curl .*)$", shown, re.M)[1]
    done = subprocess.run(line, shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    assert json.loads(done.stdout)["choices"], done
    say("the curl line that 'serve' shows works")


def check_readme_client(address):
    """The README's lines of Python, as they stand but for the port and the adapter's name."""
    code = readme("python")
    for old, new in [("http://127.0.0.1:8080", address), ("intent-kwikemart", server.BASE)]:
        assert old in code, f"the README's lines of Python have no '{old}'"
        code = code.replace(old, new)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=60, check=True)
    assert done.stdout.strip(), "the README's lines of Python printed nothing"
    say(f"the README's lines of Python print {len(done.stdout)} bytes of an answer")


def check_tls(lorikeet):
    key, certificate = lorikeet.folder / "key.pem", lorikeet.folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=lorikeet", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, stderr=subprocess.DEVNULL)
    address = lorikeet.start("--tls-cert", certificate, "--tls-key", key)
    assert address.startswith("https://"), address
    text, _ = curl("--cacert", str(certificate), address + CHAT, "-d", body())
    assert json.loads(text)["choices"], text
    text, _ = curl("-N", "--cacert", str(certificate), address + CHAT, "-d", body(stream=True))
    assert text.endswith("data: [DONE]\n\n"), text
    refused = subprocess.run(["curl", "-s", f"{address}/health"])
    assert refused.returncode == 60, "curl trusted a certificate that nobody signed"
    say("TLS: an answer and a stream")


# ---- wrk ----


def check_wrk(address, seconds=5, connections=16):
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "chat.lua", address],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    counts = json.loads(done.stdout.splitlines()[-1])
    errors = {name: counts[name] for name in ["connect", "read", "write", "status", "timeout"]}
    assert counts["requests"] > connections and not any(errors.values()), counts
    statuses = set(re.findall(r'^lorikeet_requests_total\{route="/v1/chat/completions",status="(\d+)"', metrics(address), re.M))
    assert statuses == {"200"}, statuses
    # wrk leaves in the midst of its last requests.
    openai_client.until("nothing runs", lambda: running(address) == 0)
    rate = counts["requests"] / counts["microseconds"] * 1e6
    say(f"wrk: {counts['requests']} chats over {connections} connections, {rate:.1f} a second, no errors")


# ---- nginx ----


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@contextlib.contextmanager
def nginx(address):
    """The README's lines as a proxy before `address`, in a folder of its own."""
    port = free_port()
    lines = readme("nginx")
    for old, new in [("127.0.0.1:8080", address.removeprefix("http://")), ("listen 80;", f"listen 127.0.0.1:{port};")]:
        assert old in lines, f"the README's lines for nginx have no '{old}'"
        lines = lines.replace(old, new)
    with tempfile.TemporaryDirectory(prefix="lorikeet-nginx-") as folder:
        places = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        pathlib.Path(folder, "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{lines}}}\n")
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        process = subprocess.Popen([program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"])
        try:
            openai_client.until("nginx listens", lambda: process.poll() is not None or listens(port))
            assert process.poll() is None, pathlib.Path(folder, "error.log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def listens(port):
    with socket.socket() as place:
        return place.connect_ex(("127.0.0.1", port)) == 0


# ---- systemd ----


def check_unit():
    program = shutil.which("systemd-analyze")
    if program is None:
        return print("- no systemd-analyze here: the unit was not checked", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # The command is not installed where the unit has it.
        unit = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", readme("ini"), flags=re.M)
        path = pathlib.Path(folder, "lorikeet.service")
        path.write_text(unit)
        done = subprocess.run([program, "verify", "--man=no", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = [line for line in done.stdout.splitlines() if "lorikeet.service" in line]
        assert done.returncode == 0 and not told, done.stdout
    say("systemd-analyze verify: nothing to say of the README's unit")


if __name__ == "__main__":
    check_unit()
    with server.throwaway() as lorikeet:
        check_shown_line(lorikeet)
        for check in [check_readme_client, check_curl, check_wrk]:
            check(lorikeet.start())
        check_tls(lorikeet)
        with nginx(lorikeet.start()) as proxy:
            check_streams(proxy)
            # The last two end the server, which a client of nginx cannot see.
            names = openai_client.NAMES[:-2]
            openai_client.run(lorikeet, proxy, names)
            say(f"nginx: curl's streams and {len(names)} checks of the openai package through it")
