"""From an empty folder to a sync that runs by itself: what somebody does who has only the API key and a database."""

import os
import time
import unittest

from playwright.sync_api import expect

from cases import Case, in_every_look
from services import ADMIN, PASSWORD, Customers, Sandbox, Server, accounts
from visitor import LOOKS

# Planhat's keys are longer than 340 characters.
KEY = "eyJhbGciOiJIUzI1NiJ9." + "Zm9vYmFyLXF1dXg_" * 20 + ".c2lnbmF0dXJl"


class FromNothing(Case):
    """Each has an empty folder, a server and an account of its own."""

    def visit(self, look, session=None, server=None):
        self.planhat = Sandbox("--token", KEY)
        self.addCleanup(self.planhat.stop)
        server = Server(admin=False)
        self.addCleanup(server.stop)
        return super().visit(look, None, server)

    def becomes_the_first_admin(self, visitor):
        visitor.open(visitor.server.first_link)
        visitor.fill("Name", ADMIN)
        visitor.fill("Password", PASSWORD, exact=True)
        visitor.fill("Password again", PASSWORD)
        visitor.press("Make the first admin")
        visitor.heading("Welcome to Sluice")

    def passes(self, visitor, way_on):
        """Each step of a test is good, as far as it can be tried; then the page says what comes next."""
        visitor.sees(way_on)
        verdicts = [one.inner_text() for one in visitor.page.locator("ol.steps .badge").all()]
        self.assertGreaterEqual(len(verdicts), 3)
        self.assertLessEqual(set(verdicts), {"passed", "not tried"}, verdicts)
        self.assertEqual(verdicts[0], "passed")
        self.assertNotIn(KEY, visitor.page.content())

    def connects_planhat(self, visitor):
        visitor.follow("Connections")
        visitor.sees("A destination is an account that rows are sent to.")
        visitor.follow("New destination")
        visitor.follow("Planhat", exact=False)
        visitor.heading("New Planhat destination")
        visitor.fill("API key", KEY)
        # An address that is none of Planhat's belongs elsewhere: the field is named as it is here, and is there to be seen.
        visitor.fill("Region", self.planhat.address)
        visitor.press("Save and test")
        visitor.sees("It was not saved")
        self.assertIn("use Base URL", visitor.said_at("Region"))
        visitor.sees("Enter it again")
        expect(visitor.page.get_by_label("Base URL")).to_be_visible()
        self.assertNotIn(KEY, visitor.page.content())
        visitor.fill("API key", KEY)
        visitor.fill("Region", "")
        visitor.fill("Base URL", self.planhat.address)
        visitor.press("Save and test")
        visitor.heading("planhat")
        self.passes(visitor, "Connect a source")
        visitor.follow("Connect a source")

    def makes_the_sync(self, visitor, table, rows, invalid):
        """From a source that passed its test to a schedule."""
        visitor.follow("Choose what to read from it")
        visitor.follow(table)
        expect(visitor.page.locator("main table tbody tr")).to_have_count(20)
        visitor.press("Save dataset")
        visitor.follow("New sync from it")
        visitor.heading("What do they become?")
        visitor.follow("Company", exact=False)
        visitor.follow("Update or create")
        # What stands there already is right: the external id, and the column id.
        visitor.press("Next: mapping")
        visitor.heading("What goes where?")
        self.assertEqual(visitor.page.get_by_label("Field 1", exact=True).input_value(), "name")
        visitor.fill("Name of the sync", "companies")
        visitor.press("Save sync")

        visitor.heading("First run of companies")
        visitor.press("Dry run")
        visitor.sees(f"a run would send {rows - invalid} records")
        visitor.press("Run the first 10")
        visitor.sees("10 changes")
        self.adds_up(visitor)
        self.assertEqual(len(self.planhat.companies()), 10)
        visitor.follow("Next: run all")
        visitor.press("Run all")
        # Ten are known already.
        visitor.sees(f"{rows - invalid - 10} changes")
        self.adds_up(visitor)
        visitor.follow("Next: schedule")
        visitor.heading("First run of companies")
        visitor.tick("Every day at")
        visitor.press("Save schedule")
        visitor.sees("every day at 06:00")
        self.assertIn('cron: "0 6 * * *"', visitor.page.locator("#yaml").inner_text())

    def adds_up(self, visitor):
        """Both sums of the page, and the same in figures."""
        expect(visitor.page.get_by_text("The sum adds up.")).to_have_count(2)
        cookie = next(one["value"] for one in visitor.context.cookies() if one["name"] == "sluice")
        visitor.server.session = cookie
        run = visitor.server.json(visitor.page.url.partition("?")[0].removeprefix(visitor.server.address))
        rows, operations = run["rows"], run["operations"]
        self.assertEqual(rows["scanned"] + rows["carried"], sum(
            rows[one] for one in ["unchanged", "invalid", "held", "skipped", "deferred", "planned"]), rows)
        self.assertEqual(operations["planned"] + operations["removals"], sum(
            operations[one] for one in ["accepted", "rejected", "undelivered", "in_doubt"]), operations)


class FirstSync(FromNothing):
    weight, parts = 20, 2

    @in_every_look
    def rows_of_a_file_arrive_from_an_empty_folder(self, visitor):
        accounts(visitor.server.folder / "acme.db", 40)
        began = time.monotonic()
        self.becomes_the_first_admin(visitor)
        self.connects_planhat(visitor)
        visitor.follow("SQLite", exact=False)
        visitor.fill("Path", "acme.db")
        visitor.press("Save and test")
        self.passes(visitor, "Choose what to read from it")
        # A number that is none, and a key twice.
        self.makes_the_sync(visitor, "accounts", rows=41, invalid=3)
        self.tell(visitor, time.monotonic() - began)

        there = self.planhat.companies()
        self.assertEqual({one["externalId"] for one in there}, {f"acct-{n}" for n in range(1, 41) if n not in (5, 6)})
        one = next(one for one in there if one["externalId"] == "acct-17")
        self.assertEqual((one["name"], one["custom"]["Seats"], one["custom"]["Plan"]), ("Company 17", 17, "Team"))
        visitor.follow("Overview")
        visitor.heading("sync")
        visitor.sees("3 did not arrive")

    @staticmethod
    def tell(visitor, seconds):
        if os.environ.get("SLUICE_BROWSER_VERBOSE"):
            print(f"the first sync, {visitor.look.name}: {visitor.pages} pages, {visitor.clicks} clicks, "
                  f"{visitor.typed} fields typed, {seconds:.1f} s", flush=True)


@unittest.skipUnless(os.environ.get("SLUICE_TEST_PG_PORT"), "no PostgreSQL: SLUICE_TEST_PG_PORT is not set")
class FirstSyncOfAWarehouse(FromNothing):
    """The same from PostgreSQL."""

    weight = 5

    @classmethod
    def prepare(cls):
        cls.customers = Customers("first")
        return [cls.customers]

    def test_wide(self):
        """rows of a warehouse arrive from an empty folder (with script, 1280 px, light)"""
        visitor = self.visit(LOOKS[0])
        given = self.customers.given
        self.becomes_the_first_admin(visitor)
        self.connects_planhat(visitor)
        visitor.follow("PostgreSQL", exact=False)
        for label, name in [("Host", "host"), ("Port", "port"), ("Database", "database"), ("User", "user"),
                            ("Password", "password")]:
            visitor.fill(label, given[name])
        visitor.press("Save and test")
        self.passes(visitor, "Choose what to read from it")
        self.makes_the_sync(visitor, f"{self.customers.schema}.customers", rows=40, invalid=0)
        self.assertEqual({one["externalId"] for one in self.planhat.companies()}, {str(n) for n in range(1, 41)})
