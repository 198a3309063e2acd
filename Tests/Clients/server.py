"""A `lorikeet serve` of its own for a test: a throwaway registry with the base and three small adapters, and the commands beside it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile

import make_adapters

BASE = "smollm2-135m-instruct"


class Lorikeet:
    """A registry in a folder of its own, the command on it, and the server when it has been started.

    The base's file is the one in the home's cache; `make base` fetches it.
    """

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.log = self.folder / "server.log"
        self.process = None
        self.run("base", "pull", BASE)
        # acme/support has two versions, of which the first is in production.
        for number, (name, seed) in enumerate([("acme/support", 1), ("acme/support", 2), ("zoo/mood", 3)]):
            path = self.folder / f"adapter-{number}"
            make_adapters.write_adapter(path, seed)
            self.run("import", path, "--name", name)
        self.run("alias", "acme/support@1", "production")

    def run(self, *words):
        """Runs a command on the registry, in a process of its own, and returns its output."""
        done = subprocess.run(
            [self.binary, *map(str, words), "--registry", self.folder / "registry.sqlite"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
        )
        assert done.returncode == 0, f"lorikeet {' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def start(self, *words):
        """Starts the server on a free port; returns where it listens."""
        self.launch("--json", *words)
        return json.loads(self.told())["address"]

    def start_for_people(self, *words):
        """Starts the server on a free port; returns the two lines that it shows."""
        self.launch(*words)
        return self.told() + self.told()

    def launch(self, *words):
        if self.process and self.process.poll() is None:
            self.stop()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--port", "0", "--registry", self.folder / "registry.sqlite", *words],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )

    def told(self):
        line = self.process.stdout.readline()
        assert line, f"the server did not start: {self.log.read_text()}"
        return line

    def terminate(self):
        """Asks the server to finish and to end."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Waits for the end that was asked for; returns the exit code."""
        return self.process.wait(timeout=60)

    def stop(self):
        """Ends the server."""
        self.terminate()
        code = self.wait()
        assert code == 0, f"the server ended with {code}: {self.log.read_text()}"


@contextlib.contextmanager
def throwaway():
    """A registry that is gone afterwards, with its server. LORIKEET is the command; by default the one that was built."""
    binary = os.environ.get("LORIKEET", ".build/release/lorikeet")
    with tempfile.TemporaryDirectory(prefix="lorikeet-clients-") as folder:
        lorikeet = Lorikeet(binary, folder)
        try:
            yield lorikeet
        except BaseException:
            if lorikeet.log.exists():
                print(f"the server said:\n{lorikeet.log.read_text()}", flush=True)
            raise
        finally:
            if lorikeet.process and lorikeet.process.poll() is None:
                lorikeet.process.kill()
                lorikeet.process.wait()
