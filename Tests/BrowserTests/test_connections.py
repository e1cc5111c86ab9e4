"""Connections are made in the pages, and their test says step by step what is wrong and where."""

import os
import unittest

from playwright.sync_api import expect

from cases import Case, in_every_look
from services import Sandbox, Server, accounts


class Connections(Case):
    weight = 9

    @classmethod
    def prepare(cls):
        cls.planhat = Sandbox()
        server = Server()
        accounts(server.folder / "data" / "acme.db", 30)
        return [server, cls.planhat]

    def steps(self, visitor):
        """The steps of the newest check as (name, verdict)."""
        expect(visitor.page.locator("ol.steps li").first).to_be_visible()
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
        visitor.page.get_by_text("More settings").click()
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
        visitor.sees("Make a sync to it")
        steps = self.steps(visitor)
        self.assertEqual({verdict for _, verdict in steps}, {"passed"}, steps)
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

    @unittest.skipUnless(os.environ.get("SLUICE_TEST_PG_PORT"), "no PostgreSQL: SLUICE_TEST_PG_PORT is not set")
    def test_a_postgresql_source_is_made_tested_and_read(self):
        """a PostgreSQL source is made, tested and read"""
        from visitor import LOOKS
        visitor = self.visit(LOOKS[0])
        given = {key.removeprefix("SLUICE_TEST_PG_").lower(): value for key, value in os.environ.items()
                 if key.startswith("SLUICE_TEST_PG_")}
        visitor.open("/new/sources/postgres")
        visitor.fill("Name", "warehouse")
        visitor.fill("Host", given.get("host", "127.0.0.1"))
        visitor.fill("Port", given["port"])
        visitor.fill("Database", given.get("database", "postgres"))
        visitor.fill("User", "nobody-at-all")
        visitor.fill("Password", "wrong")
        visitor.press("Save and test")
        self.assertEqual(self.steps(visitor)[-1][1], "failed")
        visitor.follow("Edit")
        visitor.fill("User", given["user"])
        visitor.fill("Password", given.get("password", "none"))
        visitor.press("Save and test")
        visitor.follow("Choose what to read from it")
        visitor.fill("Query", "select 1 as id, 'Acme' as name")
        visitor.press("Show rows")
        visitor.sees("Acme")
        visitor.fill("Name", "one-row")
        visitor.press("Save dataset")
        visitor.heading("one-row")
