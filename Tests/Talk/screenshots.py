"""Pictures of the page in light, in dark, and as a telephone shows it, into .screenshots/ of the project.

    python screenshots.py [names...]
"""
import pathlib
import sys

import numpy

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for Browser, which both suites use
import sound
from Browser.chromium import chromium
from Browser.waiting import until
from support import Server

OUT = pathlib.Path(__file__).resolve().parents[2] / ".screenshots"
LOOKS = {"light": ("light", 1200, 820), "dark": ("dark", 1200, 820), "phone": ("light", 375, 780), "phone-dark": ("dark", 375, 780)}
SAID = ["Good morning, Harbour Bicycles.", "Your bicycle has a new saddle and two new tyres, and can be collected today until six.",
        "Shall I tell the workshop that you are coming?"]


def call(page, server):
    page.get_by_role("button", name="Start talking").click()
    server.until(lambda got: got.get("packets", 0) > 40)
    server.mock("send", messages=[{"type": "speech", "state": "started"}, {"type": "stt", "text": "Hello, is my bicycle ready?"}, {"type": "speech", "state": "stopped"}])
    page.wait_for_timeout(400)


def talking(page, server):
    call(page, server)
    server.mock("say", seconds=9, texts=SAID, back=False, frequency=300)
    until(page, "document.body.dataset.state === 'agent'")
    page.wait_for_timeout(1_500)


def interrupted(page, server):
    talking(page, server)
    page.wait_for_timeout(3_000)
    server.mock("interrupt")
    page.wait_for_timeout(500)


def listening(page, server):
    call(page, server)
    server.mock("say", seconds=1, texts=SAID[:1])
    until(page, "document.body.dataset.state === 'agent'")
    until(page, "document.body.dataset.state === 'listening'")


def muted(page, server):
    listening(page, server)
    page.get_by_role("button", name="Mute").click()


def refused(page, server):
    call(page, server)
    server.mock("close", code=1008, reason="the day's budget is used up")
    page.wait_for_timeout(500)


def over(page, server):
    interrupted(page, server)
    page.get_by_role("button", name="Hang up").click()


def denied(page, server):
    page.context.clear_permissions()
    page.get_by_role("button", name="Start talking").click()


def login(page, server):
    server.mock("set", login=True)
    page.reload()


VIEWS = {"idle": None, "listening": listening, "talking": talking, "interrupted": interrupted, "muted": muted, "over": over, "refused": refused,
         "denied": denied, "login": login}


def main():
    server = Server()
    OUT.mkdir(exist_ok=True)
    microphone = OUT / "microphone.wav"
    sound.write(microphone, numpy.concatenate([numpy.zeros(24_000), sound.resample(sound.speech("question"), 8_000, 48_000)]), 48_000)
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}") as browser:
        for name, act in VIEWS.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            for look, (scheme, width, height) in LOOKS.items():
                server.mock("reset", parrot=False, body={"opus": True, "model": "gpt-realtime", "voice": "marin", "sample_rate": 24000})
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, permissions=["microphone"], locale="en-GB")
                page = context.new_page()
                page.on("pageerror", lambda error: print(name, look, error))
                page.goto(f"{server.url}/talk")
                page.wait_for_timeout(600)
                if act:
                    act(page, server)
                    page.wait_for_timeout(400)
                page.screenshot(path=OUT / f"talk-{name}-{look}.png", full_page=look.startswith("phone"))
                context.close()
    server.stop()


if __name__ == "__main__":
    main()
