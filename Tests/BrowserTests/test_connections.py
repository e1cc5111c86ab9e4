"""Connections are made in the pages, and their test says step by step what is wrong and where."""

import os
import re
import unittest

from playwright.sync_api import expect

from cases import Case, in_every_look
from services import Customers, Sandbox, Server, Silent, accounts


class Connections(Case):
    weight = 9

    @classmethod
    def prepare(cls):
        cls.planhat = Sandbox()
        server = Server()
        accounts(server.folder / "data" / "acme.db", 30)
        return [server, cls.planhat]

    def steps(self, visitor):
        """The steps of the newest check, once it has ended, as (name, verdict)."""
        expect(visitor.page.locator("ol.steps li").first).to_be_visible()
        expect(visitor.page.locator("ol.steps").get_by_text("going on")).to_have_count(0)
        return [(item.locator(".step").inner_text(), item.locator(".badge").inner_text())
                for item in visitor.page.locator("ol.steps li").all()]

    @in_every_look
    def a_destination_is_made_tested_and_mended(self, visitor):
        name = f"planhat-{visitor.look.word}"
        visitor.open("/")
        visitor.follow("Connections")
        visitor.follow("New destination")
        visitor.follow("Planhat", exact=False)
        visitor.heading("New Planhat destination")
        visitor.fill("Name", name)
        visitor.fill("Region", "moon base")
        visitor.press("Save and test")
        visitor.sees("It was not saved")
        self.assertIn("missing", visitor.said_at("API key"))
        self.assertIn("region", visitor.said_at("Region").lower())

        # The list on top leads to the field.
        visitor.page.get_by_role("alert").get_by_role("link", name="API key").click()
        expect(visitor.page.get_by_label("API key")).to_be_focused()
        visitor.fill("API key", "not-the-token")
        visitor.fill("Region", "")
        # What is wrong with the region points to it, so it is not folded away.
        visitor.fill("Base URL", self.planhat.address)
        visitor.press("Save and test")
        visitor.heading(name)
        steps = self.steps(visitor)
        self.assertEqual(steps[-1][1], "failed", steps)
        self.assertIn("passed", [verdict for _, verdict in steps])
        visitor.sees("token")
        self.assertNotIn("not-the-token", visitor.page.content())

        visitor.follow("Edit")
        visitor.sees("Leave it empty to keep it")
        self.assertEqual(visitor.page.get_by_label("API key").input_value(), "")
        visitor.fill("API key", self.planhat.token)
        visitor.press("Save and test")
        expect(visitor.page.locator("main .next a")).to_be_visible()
        steps = self.steps(visitor)
        # Nothing but sending shows whether the tenant UUID is right.
        self.assertEqual(steps[-1], ("tenant UUID", "not tried"), steps)
        self.assertEqual({verdict for _, verdict in steps[:-1]}, {"passed"}, steps)
        self.assertGreaterEqual(len(steps), 3)
        self.assertNotIn(self.planhat.token, visitor.page.content())

    @in_every_look
    def a_source_is_made_tested_and_read(self, visitor):
        name = f"acme-{visitor.look.word}"
        visitor.open("/connections")
        visitor.follow("New source")
        visitor.follow("SQLite", exact=False)
        visitor.fill("Name", name)
        visitor.fill("Path", "data/nothing.db")
        visitor.press("Save and test")
        self.assertEqual(self.steps(visitor)[-1][1], "failed")
        visitor.follow("Edit")
        visitor.fill("Path", "data/acme.db")
        visitor.press("Save and test")
        visitor.sees("Choose what to read from it")
        visitor.follow("Choose what to read from it")
        visitor.follow("accounts")
        visitor.sees("Company 1")
        visitor.fill("Name", f"accounts-{visitor.look.word}")
        visitor.page.get_by_text("Read only what has changed").click()
        visitor.page.get_by_label("Column that grows with every change").select_option("updated_at")
        visitor.fill("Reach back", "ten minutes")
        visitor.press("Save dataset")
        self.assertIn("10m", visitor.said_at("Reach back"))
        visitor.fill("Reach back", "10m")
        visitor.fill("Read everything after", "20")
        visitor.choose("Counted in", "runs")
        visitor.press("Save dataset")
        visitor.heading(f"accounts-{visitor.look.word}")
        visitor.sees("at or after the last value seen, and 10 minutes before that. Everything is read every 20 runs.")
        # What a source holds is text, never markup.
        visitor.sees('Company 5 <b>&"')

        visitor.follow("Edit")
        visitor.page.get_by_text("Write a query instead").click()
        visitor.fill("Query", "select id, nme from accounts")
        visitor.press("Show rows")
        visitor.sees("nme")
        visitor.fill("Query", "select id, upper(name) as loud from accounts")
        visitor.press("Save dataset")
        visitor.sees("COMPANY 1")

    @in_every_look
    def a_step_that_hangs_is_seen_and_can_be_left(self, visitor):
        name = f"silent-{visitor.look.word}"
        with Silent() as silent:
            visitor.open("/new/sources/postgres")
            visitor.fill("Name", name)
            visitor.fill("Host", "127.0.0.1")
            visitor.fill("Port", str(silent.port))
            visitor.fill("Database", "sales")
            visitor.fill("User", "ada")
            visitor.press("Save and test")
            visitor.heading(name)
            visitor.sees("You can leave this page")
            steps = visitor.page.locator("ol.steps li")
            expect(steps.last.locator(".step")).to_have_text("server answers")
            expect(steps.last.locator(".badge")).to_have_text("going on")
            expect(steps.last).to_contain_text(re.compile(r"[1-9][0-9]* s"))
            expect(steps.first.locator(".badge")).to_have_text("passed")

            # Somebody leaves, and comes back to what was found meanwhile.
            visitor.follow("Connections")
            row = visitor.page.get_by_role("row").filter(has_text=name)
            expect(row).to_contain_text("Checking")
            visitor.open(f"/sources/{name}")
            expect(steps.last.locator(".badge")).to_have_text("going on")
            if visitor.look.script:
                visitor.page.evaluate("document.body.dataset.mark = 'the same page'")
        # The other side hangs up: the test ends, and the page says so by itself.
        expect(steps.last.locator(".badge")).to_have_text("failed")
        if visitor.look.script:
            self.assertEqual(visitor.page.evaluate("document.body.dataset.mark"), "the same page")
            expect(visitor.page.locator("#live-said")).to_contain_text("The check failed at the step server answers")
        visitor.look_at_page()


@unittest.skipUnless(os.environ.get("SLUICE_TEST_PG_PORT"), "no PostgreSQL: SLUICE_TEST_PG_PORT is not set")
class Warehouse(Case):
    """A PostgreSQL source from its credentials to the rows that arrive."""

    weight = 6

    @classmethod
    def prepare(cls):
        cls.customers, cls.planhat = Customers("test"), Sandbox()
        return [Server(), cls.planhat, cls.customers]

    @in_every_look
    def rows_of_postgresql_arrive(self, visitor):
        word, given = visitor.look.word, self.customers.given
        visitor.open("/")
        visitor.follow("Connections")
        visitor.follow("New source")
        visitor.follow("PostgreSQL", exact=False)
        visitor.fill("Name", f"warehouse-{word}")
        visitor.fill("Host", given["host"])
        visitor.fill("Port", given["port"])
        visitor.fill("Database", given["database"])
        visitor.fill("User", given["user"])
        visitor.fill("Password", "not the password")
        visitor.press("Save and test")
        steps = visitor.page.locator("ol.steps li")
        expect(steps.last.locator(".badge")).to_have_text("failed")
        self.assertEqual([one.locator(".badge").inner_text() for one in steps.all()],
                         ["passed", "passed", "passed", "failed"])
        expect(steps.last.locator(".step")).to_have_text("login accepted")
        visitor.sees(f"refused the password of the role {given['user']}")

        visitor.follow("Edit")
        visitor.fill("Password", given["password"])
        visitor.press("Save and test")
        visitor.sees("Choose what to read from it")
        self.assertEqual([one.locator(".step").inner_text() for one in steps.all()],
                         ["address resolves", "server answers", "encryption", "login accepted", "database opens",
                          "read-only transaction"])
        self.assertEqual({one.locator(".badge").inner_text() for one in steps.all()}, {"passed"})
        self.assertNotIn(given["password"], visitor.page.content())

        # The table is picked from the list.
        visitor.follow("Choose what to read from it")
        visitor.follow(f"{self.customers.schema}.customers")
        visitor.sees("Customer 1")
        visitor.fill("Name", f"customers-{word}")
        visitor.press("Save dataset")
        visitor.heading(f"customers-{word}")

        # Where it goes to.
        visitor.open("/new/destinations/planhat")
        visitor.fill("Name", f"planhat-{word}")
        visitor.fill("API key", self.planhat.token)
        visitor.page.get_by_text("More settings").click()
        visitor.fill("Base URL", self.planhat.address)
        visitor.press("Save and test")
        visitor.sees("Make a sync to it")
        visitor.follow("Make a sync to it")
        visitor.follow(f"customers-{word}", exact=False)
        visitor.page.locator("main").get_by_role("link", name="Company", exact=False).first.click()
        visitor.heading("What happens to records?")
        visitor.follow("Update or create")
        visitor.tick("externalId", exact=False)
        visitor.choose("Column that holds it", "id")
        visitor.press("Next: mapping")
        visitor.fill("Name of the sync", f"customers-{word}")
        visitor.press("Save sync")
        visitor.press("Dry run")
        visitor.sees("a run would send 40 records")
        visitor.press("Run all")
        visitor.sees("40 changes arrived")
