"""Every page there is, in the states that it can have, of one server."""

import tempfile
from pathlib import Path

from playwright.sync_api import expect

from services import PASSWORD, Sandbox, Server, accounts, sluice

PROJECT = """
version: 1
sources:
  acme: {{type: sqlite, path: data/acme.db}}
  gone: {{type: sqlite, path: data/gone.db}}
destinations:
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}", requests_per_minute: 9000}}
datasets:
  accounts: {{source: acme, table: accounts}}
  people: {{source: acme, sql: "select id, account_id, email from people"}}
syncs:
  companies:
    from: accounts
    to: planhat.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name, custom.Seats: seats}}
    schedule: {{cron: "0 6 * * mon-fri", timezone: Europe/Stockholm}}
  people:
    from: people
    to: planhat.end_user
    behavior: update_or_create
    key: {{column: id, field: sourceId}}
    mappings: {{email: email, companyId: {{column: account_id, lookup: externalId}}}}
    schedule: {{after: [companies]}}
  broken:
    from: {{source: gone, table: accounts}}
    to: planhat.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name}}
    paused: true
"""


def start():
    """A server with a history: syncs that are well, that leave rows behind, that fail, that never ran."""
    planhat = Sandbox("--fail", 'refuse where name="Company 13" message="This account is closed"',
                      "--fail", "status=429 retry-after=0 times=1 method=PUT")
    folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
    accounts(folder / "data" / "acme.db", 60)
    (folder / "sluice.yaml").write_text(PROJECT.format(token=planhat.token, address=planhat.address))
    sluice(folder, "run", "companies", "--limit", "40")
    sluice(folder, "run", "people")
    sluice(folder, "run", "companies")
    sluice(folder, "run", "broken")
    return Server(folder), planhat


def prepare(visitor):
    """What is made in the pages: a source, a dataset and a sync of one's own, a person, checks and a dry run."""
    visitor.open("/new/sources/sqlite")
    visitor.fill("Name", "own")
    visitor.fill("Path", "data/acme.db")
    visitor.press("Save and test")
    visitor.sees("Choose what to read from it")
    visitor.open("/new/dataset?source=own&table=accounts")
    visitor.fill("Name", "own-accounts")
    visitor.press("Save dataset")
    visitor.open(MAPPING)
    visitor.fill("Name of the sync", "own-sync")
    visitor.press("Save sync")
    visitor.press("Dry run")
    visitor.sees("Nothing was sent.")
    for path in ["/sources/gone", "/destinations/planhat"]:
        visitor.open(path)
        visitor.press("Check")
        expect(visitor.page.locator("main [aria-busy]")).to_have_count(0)
    visitor.open("/people")
    visitor.fill("Name", "vera")
    visitor.fill("First password", PASSWORD)
    visitor.press("Add")


NEW_SYNC = "/new/sync?from=own-accounts&to=planhat%2Ecompany&behavior=update_or_create"
MAPPING = NEW_SYNC + "&field=externalId&column=id"

# Name, address, and perhaps what is pressed there first.
PAGES = [
    ("overview", "/"), ("syncs", "/syncs"), ("sync", "/syncs/companies"),
    ("sync-timeline", "/syncs/companies?tab=timeline"), ("sync-mapping", "/syncs/companies?tab=mapping"),
    ("sync-definition", "/syncs/companies?tab=definition"), ("sync-own", "/syncs/own-sync"),
    ("sync-failing", "/syncs/broken"), ("reset", "/syncs/companies/reset"),
    ("datasets", "/datasets"), ("dataset", "/datasets/own-accounts"), ("dataset-edit", "/datasets/own-accounts/edit"),
    ("dataset-broken", "/new/dataset?source=own&table=nothing"), ("dataset-delete", "/datasets/own-accounts/delete"),
    ("runs", "/runs"), ("run", "/runs/3"), ("run-good", "/runs/1"), ("run-failed", "/runs/4"),
    ("records", "/runs/3/records"), ("records-none", "/runs/3/records?q=nobody"),
    ("record", "/syncs/companies/records/acct-13"), ("record-unknown", "/syncs/companies/records/nobody"),
    ("exchange", "/exchanges/3-0"),
    ("connections", "/connections"), ("destination", "/destinations/planhat"), ("source-failing", "/sources/gone"),
    ("source-edit", "/sources/own/edit"), ("source-delete", "/sources/own/delete"),
    ("new-source", "/new/sources"), ("new-postgres", "/new/sources/postgres"),
    ("new-destination", "/new/destinations/planhat"),
    ("new-destination-wrong", "/new/destinations/planhat", "Save and test"),
    ("new-dataset", "/new/dataset"), ("new-dataset-tables", "/new/dataset?source=own"),
    ("new-dataset-table", "/new/dataset?source=own&table=accounts"),
    ("new-sync", "/new/sync"), ("new-sync-object", "/new/sync?from=own-accounts"),
    ("new-sync-behavior", "/new/sync?from=own-accounts&to=planhat%2Ecompany"), ("new-sync-key", NEW_SYNC),
    ("new-sync-mapping", MAPPING), ("sync-edit", "/syncs/own-sync/edit"), ("sync-first", "/syncs/own-sync/first"),
    ("sync-delete", "/syncs/own-sync/delete"),
    ("system", "/system"), ("errors", "/errors"), ("people", "/people"), ("person", "/people/vera"),
    ("audit", "/audit"), ("account", "/account"), ("missing", "/nowhere"),
]
# Without a session.
OPEN_PAGES = [("sign-in", "/sign-in"), ("welcome-used", "/welcome/nothing")]
