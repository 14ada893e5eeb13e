"""A mock server in a process of its own."""
import json
import subprocess
import sys
import urllib.request


class MockProcess:
    program = None  # a suite's own

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, self.program, *options], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise RuntimeError("the mock server did not start")

    def ask(self, what, body):
        request = urllib.request.Request(f"{self.url}/mock/{what}", data=json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def mock(self, what, **body):
        return json.loads(self.ask(what, body))

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
