#!/usr/bin/env python3
"""Loads `lorikeet serve` and llama-server in turn with the same clients, on the same file, and prints a table.

Usage: serving.py [--lorikeet .build/release/lorikeet] [--llama-server .build/peers/llama-server] [--formats Q8_0,Q4_0,Q4_1]
                  [--clients 8,64] [--adapters 0,1,8,32] [--requests 4] [--rounds 2] [--weights native] [--json FILE]

Each client asks one chat after the other, of about 75 tokens in and 64 out, streamed, greedy, no two alike; with adapters, client i uses
adapter i modulo their number (rank 16 on every linear layer, random, published in a registry for us and written as GGUF for llama-server).
With --loads, instead: how 8 clients on the base see the tokens of a long answer come while nothing else happens, and while every quarter
of a second a word is asked of an adapter that is not in memory. A figure is the median over the rounds. `llama_server.sh` builds llama-server. Where it is absent only ours is measured.
"""

import argparse
import asyncio
import atexit
import bisect
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import peer_support
from gguf_files import gguf_file

RANK, LAYERS, STOPPED = 16, 30, signal.SIGTERM
WIDTHS = {"q_proj": (576, 576), "k_proj": (192, 576), "v_proj": (192, 576), "o_proj": (576, 576), "gate_proj": (1536, 576),
          "up_proj": (1536, 576), "down_proj": (576, 1536)}  # out, in
GGUF_NAMES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
              "up_proj": "ffn_up", "down_proj": "ffn_down"}
TOPICS = ["a lighthouse", "the last train", "two rivers", "an old clock", "the winter market", "a lost map", "the blue door", "a quiet village"]


def factors(seed):
    """The random A and B of every layer."""
    import numpy as np
    random = np.random.default_rng(seed)
    for layer in range(LAYERS):
        for name, (out, inside) in WIDTHS.items():
            a = random.normal(0, 0.04, (RANK, inside)).astype(np.float32)
            b = random.normal(0, 1e-3, (out, RANK)).astype(np.float32)
            yield layer, name, a, b


def write_peft(folder, seed):
    """An adapter as PEFT saves it."""
    tensors, data = {}, bytearray()
    for layer, name, a, b in factors(seed):
        block = "self_attn" if name in ("q_proj", "k_proj", "v_proj", "o_proj") else "mlp"
        for half, matrix in (("A", a), ("B", b)):
            key = f"base_model.model.model.layers.{layer}.{block}.{name}.lora_{half}.weight"
            tensors[key] = dict(dtype="F32", shape=list(matrix.shape), data_offsets=[len(data), len(data) + matrix.nbytes])
            data += matrix.tobytes()
    header = json.dumps(tensors, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
    (folder / "adapter_config.json").write_text(json.dumps(
        dict(peft_type="LORA", task_type="CAUSAL_LM", r=RANK, lora_alpha=32, target_modules=list(WIDTHS))))


def write_gguf(path, seed):
    """The same adapter as llama.cpp loads it; the rows of q and k are not reordered, which changes no speed."""
    import gguf
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 32.0)
    for layer, name, a, b in factors(seed):
        for half, matrix in (("a", a), ("b", b)):
            writer.add_tensor(f"blk.{layer}.{GGUF_NAMES[name]}.weight.lora_{half}", matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Server:
    """A server process, until it is stopped."""

    def __init__(self, command, environment=None, ready=None):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE if ready else self.log, stderr=self.log, text=True,
                                        env={**os.environ, **(environment or {})})
        self.address = json.loads(self.process.stdout.readline())["port"] if ready else None

        atexit.register(self.process.kill)  # whatever happens to us

    def wait(self, port):
        """Until it answers on `port`."""
        import urllib.request
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
                return
            except OSError:
                time.sleep(0.1)
        self.log.seek(0)
        raise SystemExit("a server did not start:\n" + self.log.read()[-2000:])

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

    def stop(self):
        self.process.send_signal(STOPPED)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


class Arrivals:
    """What comes back on a connection, and when the kernel had it.

    Client and server share the processor: nothing is read of an answer before its end, and times are those of the socket, so that a
    client that waits for its turn measures what one on another machine would see.
    """

    STAMPS = 35  # SO_TIMESTAMPNS, which Python does not name

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.SOL_SOCKET, self.STAMPS, 1)
        self.socket.setblocking(False)
        self.parts, self.times = [], []
        self.loop = asyncio.get_running_loop()
        self.over = self.loop.create_future()

    async def ask(self, request):
        await self.loop.sock_sendall(self.socket, request)
        self.loop.add_reader(self.socket, self.take)
        await self.over
        self.loop.remove_reader(self.socket)
        self.socket.close()

    def take(self):
        data, notes, _, _ = self.socket.recvmsg(1 << 16, 128)
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == self.STAMPS:
                seconds, nanoseconds = struct.unpack("qq", value)
                self.times.append(seconds + nanoseconds / 1e9)
        self.parts.append(data)
        if len(self.times) < len(self.parts):
            self.times.append(time.time())
        if not data or data.endswith(b"\r\n0\r\n\r\n") or data == b"0\r\n\r\n":
            self.over.set_result(None)

    def events(self):
        """Each event of the stream with the time at which it was whole."""
        data, ends = b"".join(self.parts), list(itertools.accumulate(map(len, self.parts)))
        if b" 200 " not in data[:data.index(b"\r\n")]:
            raise SystemExit(f"a server answered {data[:500]!r}")
        at = data.index(b"\r\n\r\n") + 4
        while (end := data.index(b"\r\n", at)) and (size := int(data[at:end], 16)) > 0:
            at = end + 4 + size
            arrived = self.times[bisect.bisect_left(ends, at - 2)]
            for event in data[end + 2:at - 2].split(b"\n\n"):
                yield event, arrived


async def client(port, index, count, choose, said):
    """Asks `count` chats, each on a connection of its own, for llama-server closes them."""
    for turn in range(count):
        text = (f"Story {index}.{turn}.{said['round']}: write a long story of several paragraphs about {TOPICS[index % len(TOPICS)]} and a child "
                f"who counts to {index * 31 + turn}. Begin with the weather, go on with the people, and take your time.")
        body = dict(messages=[dict(role="user", content=text)], max_tokens=said["most"], temperature=0, stream=True,
                    stream_options=dict(include_usage=True), **choose(index))
        if said["every"]:
            body["logprobs"] = True
        data = json.dumps(body).encode()
        arrivals = Arrivals(port)
        began = time.time()
        await arrivals.ask(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                           % len(data) + data)
        said["answers"].append((began, arrivals))


def read(said):
    """What the answers of some clients were, once all have come: times to the first token and between tokens, and their number."""
    for began, arrivals in said["answers"]:
        last = None
        for event, now in arrivals.events():
            if b'"logprobs":{' in event if said["every"] else b'"content":"' in event and b'"content":""' not in event:
                if last is None:
                    said["first"].append(now - began)
                elif now - began > said["after"]:
                    said["gaps"].append(now - last)
                last = now
            if b'"completion_tokens":' in event:
                said["tokens"] += int(re.search(rb'"completion_tokens":(\d+)', event)[1])


def load(port, clients, count, choose, round, most=64, after=0, every=False):
    """What some clients see together, of answers of `most` tokens; times between tokens count from `after` seconds on.

    With `every`, which asks for the tokens' probabilities, a token tells of itself even where it is a part of a character.
    """
    said = dict(first=[], gaps=[], tokens=0, round=round, most=most, after=after, every=every, answers=[])

    async def all_clients():
        await asyncio.gather(*(client(port, i, count, choose, said) for i in range(clients)))

    began = time.perf_counter()
    asyncio.run(all_clients())
    seconds = time.perf_counter() - began
    read(said)
    return dict(speed=said["tokens"] / seconds, seconds=seconds, first50=quantile(said["first"], 0.5), first99=quantile(said["first"], 0.99),
                token50=quantile(said["gaps"], 0.5), token99=quantile(said["gaps"], 0.99))


def loads(options, folder):
    """Tokens' times of 8 clients, in peace and while adapters are loaded beside them.

    They share the server's processors, where those who really ask are elsewhere: they read when they get round to it (the system stamps what
    comes), and never push the server's threads aside when they wake.
    """
    import threading
    import urllib.request

    def ask(port, model):
        body = json.dumps(dict(model=model, prompt="Yes", max_tokens=1)).encode()
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", body), timeout=60).read()

    server, port = start_lorikeet(options, options.formats[0], folder)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    base = lambda i: dict(model="base")  # noqa: E731
    load(port, 8, 1, base, -1)
    peace = load(port, 8, 1, base, 0, most=400, after=2, every=True)
    over, loaded = threading.Event(), []

    def disturb():
        for index in range(max(options.adapters)):
            if over.wait(0.25):
                return
            began = time.perf_counter()
            ask(port, f"a{index}")
            loaded.append(time.perf_counter() - began)

    thread = threading.Thread(target=disturb)
    thread.start()
    disturbed = load(port, 8, 1, base, 1, most=400, after=2, every=True)
    over.set()
    thread.join()
    server.stop()
    for name, figures in (("in peace", peace), (f"while {len(loaded)} adapters are loaded", disturbed)):
        print(f"{name}: token {figures['token50']:.1f} ms, p99 {figures['token99']:.1f} ms ({figures['token99'] / figures['token50']:.2f} times)")
    print(f"a word of an adapter that has to be loaded: {1000 * statistics.median(loaded):.0f} ms")


def quantile(values, share):
    return 1000 * sorted(values)[min(len(values) - 1, int(share * len(values)))]


def start_lorikeet(options, format, folder):
    home = pathlib.Path(folder) / f"home-{format}"
    environment = {"LORIKEET_HOME": str(home)}

    def tell(*arguments):
        subprocess.run([options.lorikeet, *arguments, "--quiet"], check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)

    if not home.exists():
        tell("base", "add", str(gguf_file(format)), "--name", "base-model")
        for index in range(max(options.adapters)):
            tell("import", f"{folder}/peft-{index}", "--name", f"a{index}")
    server = Server([options.lorikeet, "serve", "--port", "0", "--json", "--weights", options.weights, "--memory", "4GB"], environment, ready=True)
    server.wait(server.address)
    return server, server.address


def start_llama(options, format, folder, clients, adapters):
    port = 18437
    loras = [x for i in range(adapters) for x in ("--lora", f"{folder}/lora-{i}.gguf")]
    server = Server([options.llama_server, "-m", str(gguf_file(format)), "--host", "127.0.0.1", "--port", str(port), "-np", str(clients), "-c",
                     str(clients * 256), "-t", str(peer_support.THREADS), "-tb", str(peer_support.THREADS), *loras]
                    + (["--lora-init-without-apply"] if adapters else []))
    server.wait(port)
    return server, port


def measure(options, folder):
    """Every figure: (server, format, clients, adapters) to a list, one a round."""
    found = {}
    for round in range(options.rounds):
        for format in options.formats:
            for adapters in options.adapters:
                for clients in options.clients:
                    if adapters > clients:
                        continue
                    rows = [("lorikeet", *start_lorikeet(options, format, folder))]
                    load(rows[0][2], clients, 1, lambda i: dict(model=f"a{i % adapters}" if adapters else "base"), -1 - round)
                    keep(found, ("lorikeet", format, clients, adapters), rows[0][1], load(
                        rows[0][2], clients, options.requests, lambda i: dict(model=f"a{i % adapters}" if adapters else "base"), round))
                    if options.llama_server:
                        server, port = start_llama(options, format, folder, clients, adapters)

                        def choose(i):
                            return dict(lora=[dict(id=i % adapters, scale=1.0)]) if adapters else {}
                        load(port, clients, 1, choose, -1 - round)
                        keep(found, ("llama-server", format, clients, adapters), server, load(port, clients, options.requests, choose, round))
    return found


def keep(found, key, server, figures):
    figures["peakBytes"] = server.peak()
    server.stop()
    found.setdefault(key, []).append(figures)
    print(f"{' '.join(map(str, key))}: {figures['speed']:.0f} tok/s, first token {figures['first50']:.0f} / {figures['first99']:.0f} ms, "
          f"token {figures['token50']:.1f} / {figures['token99']:.1f} ms", file=sys.stderr, flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])

    def several(kind):
        return lambda text: [kind(x) for x in text.split(",")]
    options.add_argument("--lorikeet", default=".build/release/lorikeet")
    options.add_argument("--llama-server", default=".build/peers/llama-server")
    options.add_argument("--formats", type=several(str), default=["Q8_0"])
    options.add_argument("--clients", type=several(int), default=[8, 64])
    options.add_argument("--adapters", type=several(int), default=[0, 1, 8, 32])
    options.add_argument("--requests", type=int, default=4)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--weights", default="native")
    options.add_argument("--json")
    options.add_argument("--loads", action="store_true")
    options = options.parse_args()
    if options.loads or not shutil.which(options.llama_server):
        options.llama_server = None
    with tempfile.TemporaryDirectory() as folder:
        for index in range(max(options.adapters)):
            write_peft(pathlib.Path(folder) / f"peft-{index}", index)
            if options.llama_server:
                write_gguf(f"{folder}/lora-{index}.gguf", index)
        if options.loads:
            return loads(options, folder)
        found = measure(options, folder)
    medians = {key: {name: statistics.median(f[name] for f in rows) for name in rows[0]} for key, rows in found.items()}
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps([dict(zip(("server", "format", "clients", "adapters"), k), **v)
                                                          for k, v in medians.items()], indent=1) + "\n")
    print("| clients | adapters | file | Lorikeet | llama-server | ratio | first token p50 / p99 | llama-server's | token p50 / p99 | llama-server's |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (name, format, clients, adapters), ours in medians.items():
        if name != "lorikeet":
            continue
        peer = medians.get(("llama-server", format, clients, adapters))
        print(f"| {clients} | {adapters or 'base'} | {format} | {ours['speed']:.0f} tok/s | "
              + (f"{peer['speed']:.0f} tok/s | {ours['speed'] / peer['speed']:.2f} | " if peer else "| | ")
              + " | ".join(f"{f[a + '50']:.0f} / {f[a + '99']:.0f} ms" if f else "" for a in ("first", "token") for f in (ours, peer)) + " |")


if __name__ == "__main__":
    main()
