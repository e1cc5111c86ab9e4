"""Who may do what, as each of them sees it."""

from cases import Case, in_every_look
from services import PASSWORD, Sandbox, Server, sluice
from test_runs import folder_with


class People(Case):
    weight = 8

    @classmethod
    def prepare(cls):
        planhat = Sandbox()
        folder = folder_with(planhat, 20)
        sluice(folder, "run", "companies")
        return [Server(folder), planhat]

    @in_every_look
    def people_are_added_see_what_they_may_and_go(self, visitor):
        name = f"vera-{visitor.look.word}"
        visitor.open("/people")
        visitor.fill("Name", name)
        visitor.fill("First password", "short")
        visitor.choose("Role", "viewer")
        visitor.press("Add")
        visitor.sees("fewer than 12 characters")
        visitor.fill("First password", PASSWORD)
        visitor.press("Add")
        visitor.sees(name)

        other = self.visit(visitor.look, session=None)
        other.open("/runs/1/records")
        other.heading("Sign in")
        other.fill("Name", name)
        other.fill("Password", PASSWORD)
        other.press("Sign in")
        other.heading("Not allowed")
        other.open("/")
        other.heading("up to date")
        self.assertEqual(other.page.get_by_role("button", name="Run now").count(), 0)
        self.assertEqual(other.page.get_by_role("link", name="People").count(), 0)
        other.open("/runs/1")
        other.sees("for operators")
        other.open("/audit")
        other.heading("Not allowed")

        visitor.follow(name)
        visitor.choose("Role", "operator")
        visitor.press("Give this role")
        other.open("/runs/1/records")
        other.heading("Rows of run 1")
        other.open("/")
        self.assertEqual(other.page.get_by_role("button", name="Run now").count(), 1)
        self.assertEqual(other.page.get_by_role("link", name="New sync").count(), 0)

        other.follow(name)
        other.fill("Present password", PASSWORD)
        other.page.get_by_label("New password", exact=True).fill("another long sentence")
        other.fill("New password again", "another long sentence")
        other.press("Change it")
        other.press("Sign out")
        other.sees("You are signed out.")
        other.fill("Name", name)
        other.fill("Password", PASSWORD)
        other.press("Sign in")
        self.assertEqual(other.page.get_by_role("alert").count(), 1)
        other.fill("Password", "another long sentence")
        other.press("Sign in")
        other.heading("up to date")

        visitor.open(f"/people/{name}")
        visitor.fill("Type the name to confirm", name)
        visitor.press(f"Remove {name}")
        other.open("/")
        other.heading("Sign in")
        visitor.open("/audit")
        visitor.sees(name)
