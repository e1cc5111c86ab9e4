"""Every page there is, in the states that it can have, of one server."""

import tempfile
from pathlib import Path

from playwright.sync_api import expect

from services import PASSWORD, Sandbox, Server, Silent, accounts, sluice, wait_until

PROJECT = """
version: 1
sources:
  acme: {{type: sqlite, path: data/acme.db}}
  gone: {{type: sqlite, path: data/gone.db}}
destinations:
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}", requests_per_minute: 9000,
    analytics_url: "{address}", tenant_uuid: 5a6b8c0d-0e00-4000-8000-000000000001}}
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
  assets:
    from: accounts
    to: planhat.asset
    behavior: update_or_create
    key: {{column: id, field: sourceId}}
    mappings: {{name: name, companyId: {{column: id, lookup: externalId}}}}
  logins:
    from: people
    to: planhat.activity
    behavior: send
    key: {{columns: [id]}}
    mappings: {{email: email, companyExternalId: account_id, action: {{constant: Login}}}}
"""
FORMER = """  former:
    from: accounts
    to: planhat.company
    behavior: update_only
    key: {{column: id, field: externalId}}
    mappings: {{custom.Plan: plan}}
"""


def start():
    """A server with a history: syncs that are well, that leave rows behind, that fail, that never ran, that are defined
    nowhere any more; rows of which nobody knows whether they arrived, and rows that never left."""
    planhat = Sandbox("--fail", 'refuse where name="Company 13" message="This account is closed"',
                      "--fail", "status=429 retry-after=0 times=1 method=PUT path=/companies",
                      "--fail", "drop-after path=/analytics", "--fail", "status=401 method=PUT path=/assets")
    folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
    accounts(folder / "data" / "acme.db", 60)
    project = PROJECT.format(token=planhat.token, address=planhat.address)
    (folder / "sluice.yaml").write_text(project + FORMER.format())
    sluice(folder, "run", "companies", "--limit", "40")
    for sync in ["people", "companies", "broken", "logins", "logins", "assets", "former"]:
        sluice(folder, "run", sync)
    (folder / "sluice.yaml").write_text(project)
    return Server(folder), planhat


BUSY = """
version: 1
sources:
  acme: {{type: sqlite, path: data/acme.db}}
  silent: {{type: postgres, host: 127.0.0.1, port: {port}, database: sales, user: ada, connect_timeout_seconds: 600}}
destinations:
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}", requests_per_minute: 9000}}
  throttled: {{type: planhat, api_key: {token}, base_url: "{throttled}", requests_per_minute: 9000}}
syncs:
  sending:
    from: {{source: acme, table: accounts}}
    to: planhat.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name}}
    schedule: {{every: 12h}}
    paused: true
  waiting:
    from: {{source: acme, table: accounts}}
    to: throttled.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name}}
"""


def start_busy():
    """A server on which two runs and a test go on, longer than anybody looks."""
    silent = Silent()
    planhat = Sandbox("--fail", "hang-before seconds=600 method=PUT after=2")
    throttled = Sandbox("--fail", "status=429 retry-after=600 method=PUT after=1")
    folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
    accounts(folder / "data" / "acme.db", 20_000)
    (folder / "sluice.yaml").write_text(BUSY.format(
        port=silent.port, token=planhat.token, address=planhat.address, throttled=throttled.address))
    # Once the account hangs up, a run on its way has nothing to wait for when the server ends.
    return planhat, throttled, silent, Server(folder)


def prepare_busy(visitor):
    """Sets all of it going, and then breaks the project's file."""
    for name, text in [("sending", "10,000 of 19,999"), ("waiting", "Waiting until")]:
        visitor.open(f"/syncs/{name}")
        visitor.press("Run now")
        visitor.sees(text)
    visitor.open("/sources/silent")
    visitor.press("Check")
    visitor.sees("going on")
    with open(visitor.server.folder / "sluice.yaml", "a") as file:
        file.write("  third:\n    from: nowhere\n    too: planhat.company\n")
    wait_until("the file has errors", lambda: visitor.server.json("/overview")["project_problems"])


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
    ("records-in-doubt", "/runs/5/records"), ("records-held", "/runs/6/records"), ("run-in-doubt", "/runs/5"),
    ("records-never-left", "/runs/7/records?outcome=undelivered"), ("run-never-left", "/runs/7"),
    ("record-in-doubt", "/syncs/logins/records/p-3"), ("record-never-left", "/syncs/assets/records/acct-3"),
    ("doubt-confirm", "/syncs/logins/confirm"), ("doubt-resend", "/syncs/logins/resend"),
    ("sync-orphaned", "/syncs/former"), ("reset-orphaned", "/syncs/former/reset"), ("run-of-orphan", "/runs/8"),
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
# While runs and a test go on, and the project's file has errors.
BUSY_PAGES = [
    ("busy-run", "/runs/1"), ("busy-run-waiting", "/runs/2"), ("busy-check", "/sources/silent"),
    ("busy-connections", "/connections"), ("busy-sync", "/syncs/sending"), ("busy-syncs", "/syncs"),
    ("busy-runs", "/runs"), ("trouble-overview", "/"), ("trouble-system", "/system"),
]
# Without a session.
OPEN_PAGES = [("sign-in", "/sign-in"), ("welcome-used", "/welcome/nothing")]
