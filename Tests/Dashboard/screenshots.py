"""Pictures of every view in light, in dark, and as a telephone shows it, into .screenshots/ of the project.

    python screenshots.py [http://127.0.0.1:5055] [names...]
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
from Browser.chromium import chromium
from support import Server

OUT = pathlib.Path(__file__).resolve().parents[2] / ".screenshots"
LOOKS = {"light": ("light", 1360, 860), "dark": ("dark", 1360, 860), "phone": ("light", 375, 780)}
RECORD = "CA" + "0" * 32


def scroll_down(page):
    page.evaluate("window.scrollTo(0, 600)")


def hang_up(page):
    page.get_by_role("button", name="Hang up").first.click()
    page.wait_for_selector("dialog[open]")


def make_call(page):
    page.get_by_role("button", name="Make a call").first.click()
    page.wait_for_selector("dialog[open]")


def tab(name):
    def open_tab(page):
        page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(2_500)
        if name == "Events" and page.locator(".event").count():
            page.locator(".event").nth(2).click()
    return open_tab


def first_live(page):
    page.goto(page.url.split("#")[0] + "#/live")
    page.locator(".is-live .caller-link").first.click()
    page.wait_for_timeout(9_000)


def edit(page):
    page.get_by_label("Instructions", exact=True).fill("Be brief.")
    page.get_by_text("Try it").first.click()


def wide(page):
    page.set_viewport_size({"width": 1680, "height": 1050})
    first_live(page)
    tab("Events")(page)


VIEWS = [
    ("live", "#/live", None), ("live-hangup", "#/live", hang_up), ("live-make", "#/live", make_call),
    ("call", None, first_live), ("call-latency", None, lambda page: (first_live(page), tab("Answer times")(page))),
    ("call-events", None, lambda page: (first_live(page), tab("Events")(page))),
    ("call-wide", None, wide), ("record", f"#/call/{RECORD}", None), ("record-latency", f"#/call/{RECORD}", tab("Answer times")), ("record-details", f"#/call/{RECORD}", tab("Details")),
    ("history", "#/history", None), ("history-search", "#/history?text=saddle", None), ("history-none", "#/history?text=xyzzy", None),
    ("configuration", "#/configuration", None), ("configuration-edit", "#/configuration", edit), ("health", "#/health", None), ("setup", "#/setup", None),
]


def main():
    arguments = sys.argv[1:]
    server = None
    if arguments and arguments[0].startswith("http"):
        base = arguments.pop(0)
    else:
        server = Server("--scene", "busy", "--open")
        base = server.url
    OUT.mkdir(exist_ok=True)
    with chromium() as browser:
        for look, (scheme, width, height) in LOOKS.items():
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
            for name, address, act in VIEWS:
                if arguments and not any(f"{name}-{look}" == wanted or name == wanted for wanted in arguments):
                    continue
                page = context.new_page()
                page.on("console", lambda message: message.type == "error" and print(name, look, message.text))
                page.on("pageerror", lambda error: print(name, look, error))
                page.goto(f"{base}/dashboard{address or ''}")
                page.wait_for_timeout(1_200)
                if act:
                    act(page)
                    page.wait_for_timeout(500)
                page.screenshot(path=OUT / f"{name}-{look}.png", full_page=look == "phone" and "dialog" not in name)
                page.close()
            context.close()
    if server:
        server.stop()


if __name__ == "__main__":
    main()
