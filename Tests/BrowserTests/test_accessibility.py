"""Every page of the site map against axe-core's rules (WCAG 2.2 A and AA and best practices) and our own, wide and
narrow, light and dark."""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import expect

import site_map
from cases import Case
from services import ADMIN, PASSWORD, Server
from visitor import LOOKS, Look

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What the dark can change.
COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RUN_AXE = """async (only) => {
    const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"] });
    return found.violations.map((one) => one.id + ": " + one.help + " | "
        + one.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + node.any.concat(node.all, node.none)
            .map((check) => check.message).join("; ")).join(" | "));
}"""

# What axe does not look at: everything by Tab in the order of the page, nothing wider than the screen, targets that a
# finger hits, one h1, and a name of its own for each page.
OWN = """() => {
    const wrong = [];
    const seen = (element) => element.checkVisibility({ visibilityProperty: true })
        && element.getBoundingClientRect().width > 0;
    for (const element of document.querySelectorAll("[tabindex]"))
        if (element.tabIndex > 0) wrong.push("tabindex over 0: " + element.outerHTML.slice(0, 120));
    const wide = document.scrollingElement.scrollWidth - document.documentElement.clientWidth;
    if (wide > 0) {
        const widest = [...document.querySelectorAll("main *, header *")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".scroll, pre, .tabs, nav"))
            .map((element) => element.tagName + "." + element.className).slice(0, 4);
        wrong.push(wide + " px wider than the screen: " + widest.join(", "));
    }
    for (const element of document.querySelectorAll("button, .button, input:not([type=hidden]), select, textarea, summary")) {
        const box = element.getBoundingClientRect();
        if (seen(element) && (box.height < 24 || box.width < 24) && !(/checkbox|radio/.test(element.type) && element.labels.length))
            wrong.push("a target of " + Math.round(box.width) + " x " + Math.round(box.height) + ": " + element.outerHTML.slice(0, 120));
    }
    if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
    for (const name of ["main", "header"])
        if (document.querySelectorAll(name).length !== 1) wrong.push("not one " + name);
    let level = 1;
    for (const heading of document.querySelectorAll("main h1, main h2, main h3")) {
        if (Number(heading.tagName[1]) > level + 1) wrong.push("a heading leaps: " + heading.innerText);
        level = Number(heading.tagName[1]);
    }
    return wrong;
}"""


def look(visitor, name, path, press=None):
    """Looks at one page in every width and scheme; each that is wrong is told with the rule and the place."""
    visitor.open(path)
    if press:
        visitor.press(press)
    page, wrong = visitor.page, []
    # A page that would load itself again leaves that while it is out of sight.
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    title = page.title()
    if not title.endswith("Sluice") or len(title) < 10:
        wrong.append(f"{name}: the title is {title}")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(AXE)
    for width in [1280, 360]:
        page.set_viewport_size({"width": width, "height": 900})
        wrong += [f"{name}, {width} px: {one}" for one in page.evaluate(OWN)]
        for scheme, rules in [("light", ALL), ("dark", COLORS)]:
            page.emulate_media(color_scheme=scheme)
            wrong += [f"{name}, {width} px, {scheme}: {one}" for one in page.evaluate(RUN_AXE, rules)]
            Case.picture(visitor, f"{name}-{width}-{scheme}")
    page.set_viewport_size({"width": 1280, "height": 900})
    return wrong


class EveryPage(Case):
    weight, parts = 30, 2

    @classmethod
    def prepare(cls):
        return site_map.start()

    def setUp(self):
        if not getattr(type(self), "is_prepared", False):
            site_map.prepare(self.visit(LOOKS[0]))
            type(self).is_prepared = True

    def check(self, pages, session=True):
        visitor = self.visit(Look(True, 1280, "light"), session)
        wrong = []
        for page in pages:
            wrong += look(visitor, *page)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


def _test(name, pages, session):
    def test(self):
        self.check(pages, session)
    test.__doc__ = f"{name}: no rule is broken at 1280 and 360 px, light and dark"
    return test


class BusyPages(Case):
    """Pages that change while they are looked at."""

    weight = 6

    @classmethod
    def prepare(cls):
        return site_map.start_busy()

    def setUp(self):
        if not getattr(type(self), "is_prepared", False):
            site_map.prepare_busy(self.visit(LOOKS[0]))
            type(self).is_prepared = True

    def test_busy(self):
        """what goes on, and trouble with the project: no rule is broken at 1280 and 360 px, light and dark"""
        visitor, wrong = self.visit(Look(True, 1280, "light")), []
        for page in site_map.BUSY_PAGES:
            wrong += look(visitor, *page)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        # They went on all the while.
        for run in ["/runs/1", "/runs/2"]:
            self.assertEqual(self.sluice.json(run)["state"], "running")
        visitor.open("/sources/silent")
        visitor.sees("going on")

    def test_standing_still(self):
        """a run that stands still is heard of all the same, and the last of it is read out"""
        visitor = self.visit(LOOKS[0])
        visitor.open("/runs/2")
        note = visitor.page.locator("#live-progress .note")
        seen = note.inner_text()
        expect(note).not_to_have_text(seen)
        self.assertNotIn("left", note.inner_text(), "what it waits for is not known to last so long")
        expect(visitor.page.locator("#live-said")).to_contain_text("Waiting until")
        self.assertNotIn("..", visitor.page.locator("#live-head").inner_text())
        expect(visitor.page.locator("#live-facts")).to_contain_text("1 request, ")
        visitor.sees_not("Last heard")


for number in range(0, len(site_map.PAGES), 5):
    some = site_map.PAGES[number:number + 5]
    setattr(EveryPage, f"test_pages_{number:02}", _test(", ".join(page[0] for page in some), some, True))
EveryPage.test_way_in = _test("signing in", site_map.OPEN_PAGES, None)


class FirstPages(Case):
    """The pages of the first start, which are gone once there is a sync."""

    weight = 2

    @classmethod
    def prepare(cls):
        return [Server(admin=False)]

    def test_welcome(self):
        """the way to the first admin and the welcome: no rule is broken at 1280 and 360 px, light and dark"""
        visitor = self.visit(LOOKS[0], None)
        wrong = look(visitor, "first-admin", self.sluice.first_link)
        visitor.fill("Name", ADMIN)
        visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
        visitor.fill("Password again", PASSWORD)
        visitor.press("Make the first admin")
        wrong += look(visitor, "welcome", "/")
        for page in [("empty-connections", "/connections"), ("empty-syncs", "/syncs"), ("empty-runs", "/runs"),
                     ("empty-datasets", "/datasets"), ("empty-new-sync", "/new/sync")]:
            wrong += look(visitor, *page)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
