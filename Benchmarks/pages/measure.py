"""Asks a server for its pages and says how long they take. Nothing beside the standard library.

usage: measure.py pages ADDRESS LINK PID                   each page and its JSON twin, one after the other
       measure.py load ADDRESS LINK PID SECONDS RATE SYNC  mixed reads at a rate while a run of SYNC goes on
LINK is the path of the one-time link that makes the first admin. Exits with 1 where a bar is missed.
"""

import http.client
import json
import os
import queue
import re
import statistics
import sys
import threading
import time
from urllib.parse import quote, urlencode, urlsplit

PAGE_BAR_MS = 50
LOAD_BAR_MS = 100
GROWTH_BAR = 1.10
LARGE_RUN = 100000


class Visitor:
    """One connection that is kept, and one session."""

    def __init__(self, address, cookie=""):
        self.address = urlsplit(address)
        self.cookie = cookie
        self.connection = None

    def ask(self, method, path, fields=None):
        body = urlencode(fields) if fields is not None else None
        headers = {"Cookie": self.cookie}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                return answer, answer.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
                self.connection = None
                if attempt == 2:
                    raise

    def become_admin(self, link):
        password = "correct horse battery"
        answer, body = self.ask("POST", link, {"name": "Ada", "password": password, "again": password})
        if answer.status != 303:
            sys.exit(f"no admin could be made: {answer.status} {body[:300]}")
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]

    def token(self, page):
        found = re.search(rb'name="_token" value="([^"]+)"', self.ask("GET", page)[1])
        return found.group(1).decode() if found else ""


def pages():
    run = f"/runs/{LARGE_RUN}"
    twins = [
        "/overview", "/syncs", "/syncs?from=475", "/syncs?q=sync_4", "/syncs/sync_000", "/syncs/sync_000?tab=timeline",
        "/syncs/sync_000?tab=mapping", "/syncs/sync_000?tab=definition", "/syncs/sync_000?before=50000",
        "/syncs/sync_001", "/runs", "/runs?before=50000", "/runs?sync=sync_123", "/runs?state=problems",
        "/runs?state=running", "/runs?state=problems&sync=sync_123", run, f"{run}?after=15000", "/runs/99999",
        f"{run}/records", f"{run}/records?after=500000", f"{run}/records?outcome=rejected",
        f"{run}/records?outcome=invalid&code=cannot_cast", f"{run}/records?q=acct-05", f"{run}/records?q=acct-0999999",
        f"{run}/records?q=acct", f"{run}/records?outcome=invalid&after=900000&after_code=duplicate_key",
        "/syncs/sync_000/records/" + quote("acct-0500000"), f"/exchanges/{LARGE_RUN}-15000", "/connections",
        "/sources/local", "/destinations/crm", "/system", "/audit", "/audit?subject=" + quote("sync sync_007"),
        "/people", "/people/Ada", "/datasets",
    ]
    plain = [
        "/", "/errors", "/errors?q=key", "/account", "/start", "/new/sources", "/new/destinations", "/new/dataset",
        "/new/sync", "/syncs/sync_000/reset", "/datasets/accounts", "/metrics", "/healthz", "/readyz", "/sign-in",
    ]
    return twins, plain


def twin(path):
    bare, _, query = path.partition("?")
    return bare + ".json" + ("?" + query if query else "")


def timed(visitor, path):
    begun = time.perf_counter()
    answer, body = visitor.ask("GET", path)
    return (time.perf_counter() - begun) * 1000, answer.status, len(body)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_pages(address, link, pid):
    visitor = Visitor(address)
    visitor.become_admin(link)
    twins, plain = pages()
    missed = 0
    print("| address | status | kB | first ms | median ms | worst ms of 20 | CPU ms |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for path in plain + [one for page in twins for one in (page, twin(page))]:
        first, status, size = timed(visitor, path)
        used = cpu_seconds(pid)
        times = [timed(visitor, path)[0] for _ in range(20)]
        used = (cpu_seconds(pid) - used) * 1000 / 20
        median = statistics.median(times)
        mark = ""
        if median > PAGE_BAR_MS or status >= 500:
            missed += 1
            mark = " **missed**"
        shown = path.replace("|", "%7C")
        print(f"| `{shown}` | {status} | {size / 1000:.1f} | {first:.1f} | {median:.1f}{mark} | {max(times):.1f} | {used:.1f} |")
    print(f"\n{missed} of them above {PAGE_BAR_MS} ms.", flush=True)
    return missed == 0


def anonymous_kb(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1))


def mixed():
    """What somebody who looks around asks for, the live pages most often."""
    run = f"/runs/{LARGE_RUN}"
    return [
        "/", "/syncs", "/runs", run, f"{run}/records", "/syncs/sync_000", "/overview.json", "/runs.json",
        f"{run}/records.json?outcome=rejected", "/syncs/sync_250", "/runs?state=problems", "/metrics", "/readyz",
        f"{run}/records?q=acct-0123", f"/exchanges/{LARGE_RUN}-777", "/syncs/live", "/connections", "/system",
    ]


def measure_load(address, link, pid, seconds, rate, sync):
    visitor = Visitor(address)
    visitor.become_admin(link)
    answer, body = visitor.ask("POST", f"/syncs/{sync}/run", {"_token": visitor.token(f"/syncs/{sync}")})
    if answer.status != 303:
        sys.exit(f"the run was not started: {answer.status} {body[:300]}")
    live = answer.headers["Location"].split("?")[0]
    places = mixed() + [live, live + ".json"]
    waiting, times, failures, lock = queue.Queue(), [], [], threading.Lock()

    def work():
        own = Visitor(address, visitor.cookie)
        while True:
            job = waiting.get()
            if job is None:
                return
            due, path = job
            try:
                status = own.ask("GET", path)[0].status
                took = (time.perf_counter() - due) * 1000
                with lock:
                    times.append((took, path))
                    if status != 200:
                        failures.append((path, status))
            except Exception as error:
                with lock:
                    failures.append((path, repr(error)))

    workers = [threading.Thread(target=work, daemon=True) for _ in range(24)]
    for worker in workers:
        worker.start()
    memory = []
    begun = time.perf_counter()
    for number in range(seconds * rate):
        # From when it was due, whether or not those before were answered: waiting counts.
        due = begun + number / rate
        time.sleep(max(0, due - time.perf_counter()))
        waiting.put((due, places[number * 7 % len(places)]))
        if number % rate == 0:
            memory.append(anonymous_kb(pid))
    for _ in workers:
        waiting.put(None)
    for worker in workers:
        worker.join()
    memory.append(anonymous_kb(pid))
    state = json.loads(visitor.ask("GET", live + ".json")[1])
    return report_load(times, failures, memory, state, seconds, rate)


def report_load(times, failures, memory, state, seconds, rate):
    took = sorted(one for one, _ in times)
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    # The first fifth of the time is for what is kept once.
    settled = memory[len(memory) // 5 :]
    growth = statistics.median(settled[-5:]) / statistics.median(settled[:5])
    print(f"{len(took)} answers, {rate} a second for {seconds} s; {len(failures)} failed {failures[:5]}")
    print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (bar {LOAD_BAR_MS}), worst {took[-1]:.1f} ms")
    print(f"memory without files: {memory[0] / 1000:.0f} MB at first, {settled[0] / 1000:.0f} MB settled, "
          f"{max(memory) / 1000:.0f} MB most, {memory[-1] / 1000:.0f} MB at the end; grew {growth:.2f} x "
          f"(bar {GROWTH_BAR:.2f})")
    print(f"the run: {state['state']}, {state['operations']['accepted']} of {state['operations']['planned']} accepted")
    slow = {}
    for one, path in times:
        slow.setdefault(path, []).append(one)
    worst = sorted(slow.items(), key=lambda item: -statistics.median(item[1]))[:5]
    print("slowest: " + ", ".join(f"{path} {statistics.median(ms):.1f} ms" for path, ms in worst), flush=True)
    went_on = state["state"] == "running"
    if not went_on:
        print("The run did not go on to the end of the measurement.")
    return p99 <= LOAD_BAR_MS and growth <= GROWTH_BAR and not failures and went_on


def main(arguments):
    if len(arguments) == 4 and arguments[0] == "pages":
        return measure_pages(arguments[1], arguments[2], int(arguments[3]))
    if len(arguments) == 7 and arguments[0] == "load":
        return measure_load(arguments[1], arguments[2], *map(int, arguments[3:6]), arguments[6])
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
