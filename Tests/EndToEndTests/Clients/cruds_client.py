"""Works through a Planhat with the public client `cruds`, as it comes from its package, and says what it found.

usage: cruds_client.py ADDRESS TOKEN TENANT

Nothing of the client is changed but the two addresses. Each step says what must be true; the first that is not ends
the script with a message and status 1. At the end it prints one JSON object of figures.
"""

import json
import sys

from cruds.interfaces.planhat import logic

ADDRESS, TOKEN, TENANT = sys.argv[1:]
logic.PLANHAT_API_HOST = ADDRESS + "/"
logic.PLANHAT_ANALYTICS_HOST = ADDRESS + "/"

from cruds.interfaces.planhat import Planhat  # noqa: E402
from cruds.interfaces.planhat.exception import PlanhatUpsertError  # noqa: E402


def must(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def pages(generator):
    return [row for page in generator for row in page]


planhat = Planhat(api_token=TOKEN, tenant_token=TENANT)

# Companies: one, many, changed, unchanged.
one = planhat.company.create({"name": "One", "externalId": "c1"})
must(len(one["_id"]) == 24, "a company made alone has an id")
rows = [{"externalId": f"c{number}", "name": f"Company {number}"} for number in range(1, 4)]
answer = planhat.company.bulk_upsert(rows, raise_on_error=True)
must((answer["created"], answer["updated"], answer["nonupdates"]) == (2, 1, 0), f"two made and one changed: {answer}")
again = planhat.company.bulk_upsert(rows)
must((again["created"], again["updated"], again["nonupdates"]) == (0, 0, 3), f"nothing changes twice: {again}")
must(planhat.company.get_by_id("extid-c2")["name"] == "Company 2", "a company is found by its external id")
changed = planhat.company.update("extid-c2", {"custom": {"Seats": 7}})
must(changed["custom"]["Seats"] == 7 and changed["name"] == "Company 2", "an update changes what it names alone")
must(len(pages(planhat.company.get_list(limit=2))) == 3, "a list comes in pages")
must(sorted(row["externalId"] for row in planhat.company.get_lean_list()) == ["c1", "c2", "c3"], "the lean list")
must([row["name"] for row in planhat.company.get_lean_list(external_id="c3")] == ["Company 3"], "the lean list by id")
try:
    planhat.company.bulk_upsert([{"externalId": "c9"}], raise_on_error=True)
    must(False, "a company without a name is refused")
except PlanhatUpsertError as error:
    must(list(error.errors) == ["createdErrors"], f"the refusal stands in its list: {error}")
partial = planhat.company.bulk_upsert([{"externalId": "c9"}, {"externalId": "c1", "web": "one.example"}])
must(partial["updated"] == 1 and len(partial["createdErrors"]) == 1, f"one of two is written: {partial}")
must(planhat.company.bulk_upsert([]) == {}, "an empty list needs no request")

# What belongs to companies, object by object.
company = {"companyId": "extid-c1"}
made = {
    "enduser": {"externalId": "e1", "email": "e1@one.example", "firstName": "Eva", **company},
    "asset": {"externalId": "x1", "name": "Asset", **company},
    "campaign": {"externalId": "x1", "name": "Campaign", **company},
    "churn": {"sourceId": "x1", "value": 10, **company},
    "conversation": {"externalId": "x1", "subject": "Hello", **company},
    "deal": {"externalId": "x1", "name": "Deal", **company},
    "invoice": {"extId": "x1", "cId": "extid-c1", "currency": "EUR"},
    "issue": {"sourceId": "x1", "title": "Issue"},
    "license": {"externalId": "x1", "_currency": "EUR", "fromDate": "2026-01-01", "value": 120, "fixedPeriod": True,
                **company},
    "nps": {"sourceId": "x1", "email": "e1@one.example", "score": 9},
    "objective": {"externalId": "x1", "name": "Objective", **company},
    "opportunity": {"externalId": "x1", "title": "Opportunity", **company},
    "project": {"externalId": "x1", "name": "Project", **company},
    "sale": {"externalId": "x1", "_currency": "EUR", "salesDate": "2026-01-01", "value": 5, **company},
    "task": {"sourceId": "x1", "mainType": "task", "action": "Call", **company},
    "ticket": {"sourceId": "t1", "email": "e1@one.example", "title": "Help", **company},
    "user": {"email": "u@sluice.example", "nickName": "U", "firstName": "U", "lastName": "U"},
    "workspace": {"externalId": "x1", "name": "Workspace", **company},
    "time_entry": {"date": "2026-01-02", "hours": 2},
}
for name, row in made.items():
    answer = getattr(planhat, name).bulk_upsert([row], raise_on_error=True)
    must(answer["created"] == 1, f"one {name} is made: {answer}")
    listed = pages(getattr(planhat, name).get_list(select=None))
    must(any(record["_id"] in answer["upsertedIds"] for record in listed), f"the {name} is in its list")

entry = pages(planhat.time_entry.get_list(select=None))[0]["_id"]
must(len(planhat.time_entry.duplicate({"ids": [entry]})) == 1, "a time entry is copied")
must(len(pages(planhat.custom_field.get_list(select=None))) > 0, "the account's fields are listed")

# Metrics and activities.
day = planhat.metrics.epoch_days_format("2026-01-02")
metrics = [{"dimensionId": "seats", "value": number, "externalId": "c1", "date": "2026-01-02"} for number in range(5)]
answer = planhat.metrics.bulk_insert_metrics(metrics + [{"dimensionId": "seats", "value": 1, "externalId": "none"}])
must(answer["processed"] == 5 and len(answer["errors"]) == 1, f"five of six metrics are kept: {answer}")
stored = pages(planhat.metrics.get_dimension_data(day, "2026-01-02", dimension_id="seats", limit=2))
must([row["value"] for row in stored] == [0, 1, 2, 3, 4], f"metrics are read back: {stored}")
must(stored[0]["companyId"] == one["_id"], "a metric belongs to its company")
other = planhat.company.get_by_id("extid-c2")["_id"]
must(pages(planhat.metrics.get_dimension_data(day, day, company_id=other)) == [], "another company has none")
answer = planhat.user_activity.create_activity({"externalId": "e1", "action": "Login"})
must(answer["errors"] == [], f"one activity is taken: {answer}")
events = [{"email": "e1@one.example", "action": f"Click {number}"} for number in range(10)]
answer = planhat.user_activity.create_activity(events, bulk=True, raise_on_error=True)
must(answer["processed"] == 10, f"ten activities are taken: {answer}")
answer = planhat.user_activity.segment({"type": "track", "userId": "e1", "event": "Opened", "traits": {}})
must(answer["processed"] == 1, f"a message for the dock is taken: {answer}")

# Taking away.
answer = planhat.asset.delete(pages(planhat.asset.get_list())[0]["_id"])
must(answer["deletedCount"] == 1, f"an asset is deleted: {answer}")
talk = pages(planhat.conversation.get_list(select=None))[0]["_id"]
must(planhat.conversation.delete(talk)["_id"] == talk, "a deleted conversation is the answer")

refused = Planhat(api_token="wrong")
try:
    pages(refused.company.get_list())
    must(False, "a wrong token is refused")
except Exception as error:  # noqa: BLE001
    must("401" in str(error), f"a wrong token is answered 401: {error}")

print(json.dumps({"objects": len(made), "metrics": len(stored), "activities": 12}))
