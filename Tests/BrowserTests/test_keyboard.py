"""A whole flow by keyboard alone: Tab, Enter, Space, the arrows and what is typed. Where the focus is, is seen."""

from cases import Case
from services import ADMIN, PASSWORD, Sandbox, Server, accounts
from visitor import LOOKS

TABS_MAX = 150

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    const label = element.labels && element.labels[0] ? element.labels[0].innerText : "";
    return {
        name: (element.getAttribute("aria-label") || label || element.innerText || "").trim(),
        tag: element.tagName.toLowerCase(), type: element.type || "",
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""


class Keyboard(Case):
    weight, parts = 8, 2

    def visit(self, look, session=None, server=None):
        self.planhat = Sandbox()
        self.addCleanup(self.planhat.stop)
        server = Server(admin=False)
        self.addCleanup(server.stop)
        accounts(server.folder / "data" / "acme.db", 12, odd=False)
        return super().visit(look, None, server)

    def reach(self, visitor, name, tag="", backwards=False):
        """Tabs to what begins with a name; everything on the way has to show that it has the focus."""
        for _ in range(TABS_MAX):
            visitor.page.keyboard.press("Shift+Tab" if backwards else "Tab")
            at = visitor.page.evaluate(FOCUSED)
            if at["tag"] == "body":
                continue
            self.assertTrue(at["ring"], f"{visitor.page.url}: no ring around {at}")
            self.assertTrue(at["inside"], f"{visitor.page.url}: out of sight: {at}")
            if at["name"].startswith(name) and (not tag or at["tag"] == tag):
                return
        self.fail(f"{visitor.page.url}: Tab never comes to {name}")

    def enter(self, visitor, key="Enter"):
        with visitor.page.expect_navigation(wait_until="load"):
            visitor.page.keyboard.press(key)
        visitor.look_at_page()

    def go(self, visitor, name, key="Enter", tag=""):
        self.reach(visitor, name, tag)
        self.enter(visitor, key)

    def type(self, visitor, label, text):
        self.reach(visitor, label)
        visitor.page.keyboard.press("Control+A")
        visitor.page.keyboard.type(text)

    def flow(self, visitor):
        visitor.open(visitor.server.first_link)
        self.assertEqual(visitor.page.evaluate(FOCUSED)["name"], "Name", "the first field waits for its text")
        visitor.page.keyboard.type(ADMIN)
        self.type(visitor, "Password", PASSWORD)
        self.type(visitor, "Password again", PASSWORD)
        self.enter(visitor)

        self.go(visitor, "Connect Planhat", tag="a")
        self.type(visitor, "API key", self.planhat.token)
        self.reach(visitor, "More settings")
        visitor.page.keyboard.press("Enter")
        self.type(visitor, "Base URL", self.planhat.address)
        self.go(visitor, "Save and test", tag="button")
        visitor.sees("tenant_uuid")
        self.go(visitor, "Connect a source", tag="a")
        self.go(visitor, "SQLite")
        self.type(visitor, "Path", "data/acme.db")
        self.enter(visitor)
        visitor.sees("Choose what to read from it")
        self.go(visitor, "Choose what to read from it")
        self.go(visitor, "accounts", tag="a")
        self.go(visitor, "Save dataset", "Space")
        self.go(visitor, "New sync from it")
        self.go(visitor, "Company")
        self.go(visitor, "Update or create")
        # One of a group of radio buttons is come to by Tab, the others by the arrows.
        for _ in range(TABS_MAX):
            visitor.page.keyboard.press("Tab")
            if visitor.page.evaluate(FOCUSED)["type"] == "radio":
                break
        while not visitor.page.evaluate(FOCUSED)["name"].startswith("externalId"):
            visitor.page.keyboard.press("ArrowDown")
        self.reach(visitor, "Column that holds it")
        visitor.page.keyboard.type("id")
        self.go(visitor, "Next: mapping")
        self.go(visitor, "Save sync")
        visitor.heading("First run of")
        self.go(visitor, "Dry run")
        visitor.sees("a run would send 12 records")
        self.go(visitor, "Run the first 10")
        visitor.sees("10 changes arrived")
        self.go(visitor, "Next: run all", tag="a")
        self.go(visitor, "Run all", "Space", tag="button")
        visitor.sees("2 changes arrived")
        self.go(visitor, "Next: schedule", tag="a")
        # The group is come to where it is ticked; the arrows tick another.
        self.reach(visitor, "Only by hand")
        visitor.page.keyboard.press("ArrowDown")
        visitor.page.keyboard.press("ArrowDown")
        self.assertEqual(visitor.page.evaluate(FOCUSED)["name"], "Every day at")
        self.type(visitor, "Time zone", "Europe/Stockholm")
        self.enter(visitor)
        visitor.sees("every day at 06:00")

        # The skip link is the first stop, and leads behind the navigation.
        visitor.page.keyboard.press("Control+Home")
        visitor.open(visitor.page.url)
        visitor.page.keyboard.press("Tab")
        self.assertEqual(visitor.page.evaluate(FOCUSED)["name"], "Skip to content")
        visitor.page.keyboard.press("Enter")
        self.reach(visitor, "")
        self.assertTrue(visitor.page.evaluate("document.querySelector('main').contains(document.activeElement)"))

    def test_wide(self):
        """from the one-time link to a schedule, by keyboard (with script, 1280 px, light)"""
        self.flow(self.visit(LOOKS[0]))

    def test_narrow(self):
        """from the one-time link to a schedule, by keyboard (without script, 360 px, light)"""
        self.flow(self.visit(LOOKS[3]))
