"""A server to look at: the mock one in a process of its own."""
import json
import pathlib
import subprocess
import sys
import urllib.request

CHROMIUM = "/usr/bin/chromium"
HERE = pathlib.Path(__file__).resolve().parent


def until(page, expression, seconds=10):
    """Waits until an expression holds in the page. Playwright's own way evaluates texts, which the page's policy forbids."""
    for _ in range(seconds * 20):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {seconds} s: {expression}")


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, HERE / "mock_server.py", *options], stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise RuntimeError("the mock server did not start")

    def mock(self, what, **body):
        request = urllib.request.Request(f"{self.url}/mock/{what}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
