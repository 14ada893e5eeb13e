"""The browser that pages are tested in."""
import contextlib

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"


@contextlib.contextmanager
def chromium(*arguments):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", "--autoplay-policy=no-user-gesture-required", *arguments])
        yield browser
        browser.close()
