"""Rows of which nobody knows whether they arrived, and a sync that its file does not define any more."""

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
  planhat: {{type: planhat, api_key: {token}, base_url: "{address}", analytics_url: "{address}",
    tenant_uuid: 5a6b8c0d-0e00-4000-8000-000000000001, requests_per_minute: 9000}}
datasets:
  people: {{source: acme, sql: "select id, account_id, email from people where id in ('p-1', 'p-2', 'p-3')"}}
syncs:
  logins:
    from: people
    to: planhat.activity
    behavior: send
    key: {{columns: [id]}}
    mappings: {{email: email, companyExternalId: account_id, action: {{constant: Login}}}}
"""
FORMER = """  former:
    from: {{source: acme, table: accounts}}
    to: planhat.company
    behavior: update_or_create
    key: {{column: id, field: externalId}}
    mappings: {{name: name}}
"""


class RowsInDoubt(Case):
    """Each has a server of its own: what is decided stays so."""

    weight, parts = 8, 2

    def visit(self, look, session=True, server=None):
        planhat = Sandbox("--fail", "drop-after path=/analytics times=1")
        self.addCleanup(planhat.stop)
        folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
        accounts(folder / "data" / "acme.db", 20)
        (folder / "sluice.yaml").write_text(PROJECT.format(token=planhat.token, address=planhat.address))
        done = sluice(folder, "run", "logins")
        assert done.returncode == 3, done.stderr
        server = Server(folder)
        self.addCleanup(server.stop)
        return super().visit(look, session, server)

    @in_every_look
    def rows_in_doubt_are_decided_one_by_one_and_all_at_once(self, visitor):
        visitor.open("/syncs/logins")
        visitor.sees("Of 3 records it is not known whether they arrived.")
        visitor.open("/runs/1/records")
        self.assertNotIn("--in-doubt", visitor.text())
        visitor.tick("Choose p-1")
        visitor.press("The ticked ones arrived")
        visitor.sees("count as arrived from now on")
        visitor.follow("p-2")
        visitor.sees("It is not known whether this record arrived")
        visitor.press("It arrived")
        visitor.heading("Record p-2")
        visitor.sees("count as arrived from now on")
        visitor.sees_not("It is not known whether this record arrived")
        visitor.open("/runs/1")
        visitor.follow("The one in doubt arrived…")
        visitor.heading("Records of logins in doubt")
        visitor.press("The one arrived")
        visitor.heading("logins")
        visitor.sees("count as arrived from now on")
        visitor.sees_not("it is not known whether")
        visitor.open("/audit")
        visitor.sees("records.confirmed")

    @in_every_look
    def all_rows_in_doubt_are_sent_again(self, visitor):
        visitor.open("/runs/1/records?outcome=in_doubt")
        visitor.follow("Send all 3 in doubt again…")
        visitor.heading("Records of logins in doubt")
        visitor.sees("may then be there twice")
        visitor.follow("They arrived after all…")
        visitor.sees("Sluice takes your word")
        visitor.follow("They did not arrive: send them again…")
        visitor.press("Send all 3 again")
        visitor.heading("Run 2")
        visitor.sees("Succeeded")
        visitor.open("/syncs/logins/confirm")
        visitor.sees("No record of this sync is in doubt.")


class OrphanedSync(Case):
    weight = 3

    @classmethod
    def prepare(cls):
        planhat = Sandbox()
        folder = Path(tempfile.mkdtemp(prefix="sluice-pages-"))
        accounts(folder / "data" / "acme.db", 20)
        project = PROJECT.format(token=planhat.token, address=planhat.address)
        (folder / "sluice.yaml").write_text(project + FORMER.format())
        sluice(folder, "run", "former")
        server = Server(folder)
        (folder / "sluice.yaml").write_text(project)
        wait_until("the sync is orphaned", lambda: server.json("/syncs")["orphans"] == ["former"])
        return [server, planhat]

    @in_every_look
    def a_sync_that_vanished_from_its_file_says_why_and_what_is_kept(self, visitor):
        visitor.open("/")
        visitor.follow("former")
        visitor.heading("former")
        visitor.sees("Orphaned, paused")
        self.assertIn("It stood in sluice.yaml:", visitor.text())
        self.assertIn("records", visitor.text())
        expect(visitor.page.get_by_role("button", name="Run now")).to_have_count(0)
        visitor.fill("Key of a record", "acct-3")
        visitor.press("Find")
        visitor.heading("Record acct-3")
        visitor.sees("Company 3")
        expect(visitor.page.get_by_role("button", name="Send again")).to_have_count(0)
        visitor.open("/syncs")
        visitor.follow("former")
        visitor.follow("Reset it…")
        visitor.heading("Reset former")
        visitor.fill("Type", "form")
        visitor.press("Forget", exact=False)
        visitor.sees("exactly so, to confirm")
