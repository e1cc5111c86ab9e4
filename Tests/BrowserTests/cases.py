"""What the tests have in common: one browser for each process, a visitor for each look."""

import atexit
import os
import unittest

from playwright.sync_api import sync_playwright

from services import Server
from visitor import LOOKS, Visitor


class Browser:
    _browser = None

    @classmethod
    def get(cls):
        if cls._browser is None:
            playwright = sync_playwright().start()
            cls._browser = playwright.chromium.launch(
                executable_path=os.environ["SLUICE_CHROMIUM"], args=["--no-sandbox", "--disable-gpu"])

            def close():
                cls._browser.close()
                playwright.stop()
            atexit.register(close)
        return cls._browser


def in_every_look(flow):
    """Makes one test of each look out of a flow; `self.visitor` is there when it begins."""
    flow.looks = LOOKS
    return flow


class Case(unittest.TestCase):
    """A group of flows. They share what `prepare` starts, unless each wants a server of its own."""

    sluice = None
    services = ()

    def __init_subclass__(cls):
        super().__init_subclass__()
        for name, flow in list(vars(cls).items()):
            for look in getattr(flow, "looks", []):
                setattr(cls, f"test_{name}__{look.word}", cls._test(flow, look))

    @staticmethod
    def _test(flow, look):
        def test(self):
            self.visitor = self.visit(look)
            try:
                flow(self, self.visitor)
            except Exception:
                self.picture(self.visitor, f"failed-{flow.__name__}-{look.word}")
                raise
        test.__doc__ = f"{flow.__name__.replace('_', ' ')} ({look.name})"
        return test

    def visit(self, look, session=True, server=None):
        """A visitor of the server, signed in as its admin unless told otherwise; without faults at the end."""
        server = server or self.sluice
        visitor = Visitor(Browser.get(), server, look, server.session if session is True else session)

        def leave():
            url = visitor.page.url
            visitor.close()
            self.assertEqual(visitor.faults, [], url)
        self.addCleanup(leave)
        return visitor

    @staticmethod
    def picture(visitor, name):
        """Kept where $SLUICE_BROWSER_PICTURES names a folder."""
        folder = os.environ.get("SLUICE_BROWSER_PICTURES")
        if folder:
            visitor.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    @classmethod
    def prepare(cls):
        return []

    @classmethod
    def setUpClass(cls):
        cls.services = cls.prepare()
        cls.sluice = next((one for one in cls.services if isinstance(one, Server)), None)

    @classmethod
    def tearDownClass(cls):
        for service in cls.services:
            service.stop()
