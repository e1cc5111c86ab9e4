"""A sync is made in the pages, from its dataset to its schedule."""

import tempfile
from pathlib import Path

from cases import Case, in_every_look
from services import Sandbox, Server, accounts

PROJECT = """
version: 1
sources:
  acme: {{type: sqlite, path: data/acme.db}}
destinations:
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}"}}
datasets:
  accounts: {{source: acme, sql: "select id, name, plan, updated_at from accounts where seats <> 'many' limit 24"}}
"""


class MakingASync(Case):
    weight = 8

    @classmethod
    def prepare(cls):
        planhat = Sandbox()
        folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
        accounts(folder / "data" / "acme.db", 25)
        (folder / "sluice.yaml").write_text(PROJECT.format(token=planhat.token, address=planhat.address))
        return [Server(folder), planhat]

    @in_every_look
    def a_sync_is_chosen_mapped_tried_run_and_scheduled(self, visitor):
        name = f"companies-{visitor.look.word}"
        visitor.open("/syncs")
        visitor.follow("New sync")
        visitor.heading("Which rows are sent?")
        visitor.follow("accounts", exact=False)
        visitor.heading("What do they become?")
        visitor.follow("Company", exact=False)
        visitor.heading("What happens to records?")
        visitor.sees("it is removed, if this sync has sent it before")
        visitor.follow("Update or create")
        visitor.heading("What makes a row and a record the same?")
        visitor.tick("externalId", exact=False)
        visitor.choose("Column that holds it", "id")
        visitor.press("Next: mapping")

        visitor.heading("What goes where?")
        visitor.sees("Company 1")
        visitor.fill("Name of the sync", name)
        fields = [visitor.page.get_by_label(f"Field {n}", exact=True).input_value() for n in range(1, 5)]
        self.assertIn("name", fields, "the mapping is proposed by name")
        empty = fields.index("") + 1
        visitor.fill(f"Field {empty}", "name")
        visitor.choose(f"Column for line {empty}", "updated_at")
        visitor.press("Save sync")
        visitor.sees("name is filled twice")
        visitor.fill(f"Field {empty}", "custom.Renewal Dat")
        visitor.press("Save sync")
        visitor.sees("Did you mean")
        visitor.fill(f"Field {empty}", "custom.Renewal Date")
        visitor.press("Check and show rows")
        visitor.sees_not("Did you mean")
        visitor.sees("2026-11-01")
        visitor.press("Save sync")

        visitor.heading(f"First run of {name}")
        visitor.press("Dry run")
        visitor.sees("Nothing was sent.")
        visitor.sees("a run would send 24 records")
        visitor.press("Run the first 10")
        visitor.sees("10 changes arrived")
        visitor.open(f"/syncs/{name}/first")
        visitor.press("Run all")
        visitor.sees("14 changes arrived")
        visitor.open(f"/syncs/{name}/first")

        visitor.tick("Every day at")
        visitor.fill("Time of day", "06:30")
        visitor.fill("Time zone", "Europe/Stockhlm")
        visitor.press("Save schedule")
        self.assertIn("Europe/Stockholm", visitor.said_at("Time zone"))
        visitor.fill("Time zone", "Europe/Stockholm")
        visitor.press("Save schedule")
        visitor.sees("every day at 06:30")
        self.assertIn("custom.Renewal Date: updated_at", visitor.page.locator("#yaml").inner_text())
        visitor.open(f"/syncs/{name}")
        visitor.sees("every day at 06:30")
        visitor.follow("Definition")
        visitor.sees("custom.Renewal Date")
        visitor.follow("Mapping")
        visitor.sees("externalId")
