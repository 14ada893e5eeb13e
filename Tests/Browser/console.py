"""What pages complain of."""
import re


class Console:
    """What went wrong in a page. Failed requests that a test wants to happen are named in `expected`."""

    def __init__(self):
        self.errors = []
        self.expected = []

    def take(self, text):
        self.errors.append(text)

    def listen(self, page):
        page.on("console", lambda message: message.type == "error" and self.take(
            f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: self.take(str(error)))

    def unexpected(self):
        return [error for error in self.errors if not any(re.search(pattern, error) for pattern in self.expected)]
