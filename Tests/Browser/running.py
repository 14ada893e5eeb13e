"""The server that is tested in place of the mock one, when TRUNKLINE_URL (and TRUNKLINE_TOKEN) is set."""
import os

REAL = os.environ.get("TRUNKLINE_URL", "").rstrip("/")
TOKEN = os.environ.get("TRUNKLINE_TOKEN")


class Running:
    """A server that runs already."""
    url = REAL

    def stop(self):
        pass
