"""Somebody before a browser: what they open, press and read, and what every page they come by has to keep."""

import urllib.parse
from dataclasses import dataclass

from playwright.sync_api import Error, expect

WAIT_MILLISECONDS = 15_000
PAGE_BYTES_MAX = 50_000


@dataclass(frozen=True)
class Look:
    """How somebody looks at the pages."""

    script: bool
    width: int
    scheme: str

    @property
    def name(self):
        return f"{'with' if self.script else 'without'} script, {self.width} px, {self.scheme}"

    @property
    def word(self):
        return f"{'s' if self.script else 'n'}{self.width}"


# Each value of each meets each value of the others.
LOOKS = [Look(True, 1280, "light"), Look(True, 360, "dark"), Look(False, 1280, "dark"), Look(False, 360, "light")]


class Visitor:
    def __init__(self, browser, server, look, session=None):
        self.server, self.look = server, look
        self.context = browser.new_context(
            java_script_enabled=look.script, viewport={"width": look.width, "height": 900},
            color_scheme=look.scheme, reduced_motion="reduce", accept_downloads=True)
        self.context.set_default_timeout(WAIT_MILLISECONDS)
        if session:
            self.context.add_cookies([{"name": "sluice", "value": session, "url": server.address, "httpOnly": True}])
        self.page = self.context.new_page()
        self.faults = []
        # What it took somebody: pages looked at, presses and choices, fields filled in.
        self.pages = self.clicks = self.typed = 0
        self.page.on("console", self.heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"script failed: {error}"))
        self.page.on("request", self.asked)
        self.page.on("response", self.answered)

    def close(self):
        self.context.close()

    # What must never happen, on whichever page.

    def heard(self, message):
        # A browser notes each answer of 400 and more; which of them may be is asked of the answers.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"{self.page.url} says: {message.text}")

    def asked(self, request):
        if not request.url.startswith(self.server.address + "/"):
            self.faults.append(f"asks elsewhere: {request.url}")

    def answered(self, answer):
        if answer.status >= 500 or (answer.status == 404 and "/assets/" in answer.url):
            self.faults.append(f"{answer.status} from {answer.url}")

    def look_at_page(self):
        """What each page has to keep: it fits the screen, and is small."""
        try:
            wide = self.page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
            size = len(self.page.content().encode())
        except Error:
            # It has just loaded itself again, as a page does when its run or test has ended.
            self.page.wait_for_load_state("load")
            return
        if wide > 0:
            self.faults.append(f"{self.page.url} is {wide} px wider than {self.look.width} px")
        if size > PAGE_BYTES_MAX:
            self.faults.append(f"{self.page.url} has {size} bytes")

    # What somebody does.

    def open(self, path):
        self.pages += 1
        self.page.goto(urllib.parse.urljoin(self.server.address, path))
        self.look_at_page()

    def press(self, name, within=None, exact=True):
        self._go((within or self.page).get_by_role("button", name=name, exact=exact).first)

    def follow(self, name, within=None, exact=True):
        self._go((within or self.page).get_by_role("link", name=name, exact=exact).first)

    def _go(self, locator):
        self.pages += 1
        self.clicks += 1
        with self.page.expect_navigation(wait_until="load"):
            locator.click()
        self.look_at_page()

    def fill(self, label, value, exact=False):
        self.typed += 1
        self.page.get_by_label(label, exact=exact).first.fill(value)

    def choose(self, label, value):
        self.clicks += 1
        self.page.get_by_label(label, exact=True).first.select_option(value)

    def tick(self, label, exact=True):
        self.clicks += 1
        self.page.get_by_label(label, exact=exact).first.check()

    # What somebody reads.

    def heading(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text, timeout=WAIT_MILLISECONDS)

    def sees(self, text):
        """Waits for it, as a page that changes by itself gives it."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=WAIT_MILLISECONDS)

    def sees_not(self, text):
        expect(self.page.get_by_text(text)).to_have_count(0, timeout=WAIT_MILLISECONDS)

    def said_at(self, label):
        """What is said to be wrong with a field, at the field."""
        field = self.page.get_by_label(label).first
        expect(field).to_have_attribute("aria-invalid", "true")
        ids = (field.get_attribute("aria-describedby") or "").split()
        wrong = [one for one in ids if one.startswith("wrong-")]
        assert wrong, f"nothing is said at {label}"
        return self.page.locator("#" + wrong[0]).inner_text()

    def text(self):
        return self.page.locator("main").inner_text()
