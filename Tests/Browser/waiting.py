"""Waiting for a page."""


def until(page, condition, seconds=15):
    """Waits until an expression holds in the page, or until a function says so. Playwright's own way evaluates texts,
    which the page's policy forbids."""
    for _ in range(seconds * 20):
        value = page.evaluate(condition) if isinstance(condition, str) else condition()
        if value:
            return value
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {seconds} s: {condition}")
