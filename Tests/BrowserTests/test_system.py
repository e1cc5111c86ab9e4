"""What somebody who looks after the server finds."""

import json

from cases import Case, in_every_look
from services import Sandbox, Server
from test_runs import folder_with


class System(Case):
    weight = 2

    @classmethod
    def prepare(cls):
        planhat = Sandbox()
        return [Server(folder_with(planhat, 20)), planhat]

    @in_every_look
    def diagnostics_are_downloaded_and_hold_no_secret(self, visitor):
        visitor.open("/destinations/planhat")
        visitor.press("Check")
        visitor.page.locator("ol.steps li").first.wait_for()
        visitor.open("/system")
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Download diagnostics").click()
        text = open(download.value.path()).read()
        found = json.loads(text)
        self.assertEqual([one["name"] for one in found["syncs"]], ["companies"])
        self.assertIn({"name": "planhat", "kind": "destinations", "type": "planhat", "check": "passed",
                       "settings": ["api_key", "base_url", "requests_per_minute"]}, found["connections"])
        for secret in ["sandbox-token", "acct-", "Company"]:
            self.assertNotIn(secret, text)
