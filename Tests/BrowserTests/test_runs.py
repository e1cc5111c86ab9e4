"""A run, while it goes on and afterwards: from its sentence down to one request and its answer."""

import csv
import re
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from cases import Case, in_every_look
from services import Sandbox, Server, accounts, sluice, wait_until

PROJECT = """
version: 1
sources:
  acme: {{type: sqlite, path: data/acme.db}}
destinations:
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}", requests_per_minute: 9000}}
syncs:
  companies:
    from: {{source: acme, table: accounts}}
    to: planhat.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name, custom.Seats: seats}}
    schedule: {{every: 12h}}
    paused: {paused}
"""


def folder_with(planhat, rows, paused="true"):
    folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
    accounts(folder / "data" / "acme.db", rows)
    (folder / "sluice.yaml").write_text(
        PROJECT.format(token=planhat.token, address=planhat.address, paused=paused))
    return folder


class FinishedRuns(Case):
    weight = 8

    @classmethod
    def prepare(cls):
        planhat = Sandbox("--fail", 'refuse where name="Company 13" message="This account is closed"',
                          "--fail", 'refuse where name="Company 14" message="This account is closed"')
        folder = folder_with(planhat, 130, paused="false")
        done = sluice(folder, "run", "companies")
        assert done.returncode == 3, done.stderr
        return [Server(folder), planhat]

    @in_every_look
    def every_number_leads_down_to_the_request_and_its_answer(self, visitor):
        visitor.open("/")
        visitor.heading("up to date")
        visitor.follow("5 did not arrive")
        visitor.follow("Run 1")
        visitor.sees("5 of 131 rows did not arrive. 126 changes did.")
        visitor.sees("The sum adds up.")
        expect(visitor.page.get_by_text("Why rows did not arrive").first).to_be_visible()
        visitor.sees("This account is closed")
        visitor.follow("acct-13")
        visitor.heading("Record acct-13")
        visitor.sees("This account is closed")
        visitor.sees("Company 13")
        link = visitor.page.locator("a[href^='/exchanges/']").first
        with visitor.page.expect_navigation():
            link.click()
        visitor.heading("Request")
        visitor.sees("PUT")
        text = visitor.text()
        self.assertIn("acct-13", text, "what was sent")
        self.assertIn("This account is closed", text, "what was answered")
        self.assertNotIn("sandbox-token", visitor.page.content())

    @in_every_look
    def rows_that_did_not_arrive_are_gone_through_one_by_one(self, visitor):
        visitor.open("/runs/1/records?outcome=rejected")
        visitor.follow("acct-13")
        self.assertEqual(visitor.page.get_by_role("link", name="Previous rejected row").count(), 0)
        visitor.follow("Next rejected row")
        visitor.heading("Record acct-14")
        self.assertEqual(visitor.page.get_by_role("link", name="Next rejected row").count(), 0)
        if not visitor.look.script:
            visitor.follow("Previous rejected row")
            visitor.heading("Record acct-13")
            return
        with visitor.page.expect_navigation():
            visitor.page.keyboard.press("p")
        visitor.heading("Record acct-13")
        visitor.open("/account")
        visitor.page.get_by_role("button", name="Switch the keys off").click()
        visitor.open("/runs/1/records")
        visitor.page.keyboard.press("/")
        self.assertNotEqual(visitor.page.evaluate("document.activeElement.tagName"), "INPUT")

    @in_every_look
    def records_are_filtered_searched_and_downloaded(self, visitor):
        visitor.open("/runs/1/records")
        keys = visitor.page.locator("a.key")
        expect(keys).to_have_count(5)
        visitor.choose("Outcome", "rejected")
        visitor.press("Show")
        expect(keys).to_have_count(2)
        self.assertIn("outcome=rejected", visitor.page.url)
        visitor.follow("acct-14")
        visitor.heading("Record acct-14")
        visitor.open("/runs/1/records")
        visitor.fill("Key begins with", "acct-6")
        visitor.press("Show")
        expect(keys).to_have_count(2)
        visitor.fill("Key begins with", "nobody")
        visitor.press("Show")
        visitor.sees("No row of this run is like that.")
        visitor.open("/runs/1/records?outcome=invalid")
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Download CSV").click()
        with open(download.value.path(), newline="") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual({line["outcome"] for line in lines}, {"invalid"})
        self.assertEqual(len(lines), 3)

    @in_every_look
    def a_sync_is_paused_and_its_views_say_what_it_is(self, visitor):
        visitor.open("/syncs/companies")
        visitor.press("Pause")
        visitor.sees("off its schedule until you resume it")
        visitor.press("Resume")
        visitor.sees("back on its schedule")
        for tab, text in [("Timeline", "What people did"), ("Mapping", "custom.Seats"), ("Definition", "sluice.yaml, line"),
                          ("Health", "Complete as of")]:
            visitor.follow(tab, visitor.page.get_by_role("navigation", name="Views of the sync"))
            visitor.sees(text)
        visitor.follow("Reset…")
        visitor.fill("Type", "compan")
        visitor.press("Forget", exact=False)
        visitor.sees("exactly so, to confirm")


class RunsThatGoOn(Case):
    """Each has a server of its own: a sync never overlaps itself."""

    weight, parts = 9, 2

    def visit(self, look, session=True, server=None):
        self.planhat = Sandbox("--latency", "2500")
        self.addCleanup(self.planhat.stop)
        server = Server(folder_with(self.planhat, 15_000))
        self.addCleanup(server.stop)
        return super().visit(look, session, server)

    @in_every_look
    def a_run_is_watched_and_cancelled(self, visitor):
        page = visitor.page
        visitor.open("/syncs/companies")
        visitor.press("Run now")
        visitor.heading("Run 1")
        expect(page.get_by_role("progressbar")).to_be_visible()
        if visitor.look.script:
            page.evaluate("window.isTheSame = true")
        expect(page.locator("#live-head")).to_contain_text(
            re.compile("Sending: (5|10),000 of 14,998 records"), timeout=20_000)
        if visitor.look.script:
            self.assertTrue(page.evaluate("window.isTheSame"), "the numbers come without loading the page again")
        page.get_by_role("button", name="Cancel").click()
        visitor.sees("Cancelled")
        visitor.sees("had arrived before")
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        run = visitor.server.json("/runs/1")
        self.assertEqual(run["state"], "cancelled")
        self.assertLess(run["operations"]["accepted"], 14_998)
        if run["requests"] > 1:
            self.assertTrue(page.get_by_role("heading", name="When was each batch on its way?").is_visible())
