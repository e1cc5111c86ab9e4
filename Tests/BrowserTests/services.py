"""The program under test: `sluice serve` and `sluice sandbox` as child processes, each in a folder of its own."""

import glob
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

BINARY = os.environ.get("SLUICE_BINARY", "")
ADMIN, PASSWORD = "ada", "a sentence to remember"


class Service:
    """A child process that prints one JSON value once it listens."""

    def __init__(self, arguments, folder):
        self.folder = Path(folder)
        self.log = open(self.folder / "stderr.txt", "ab")
        self.child = subprocess.Popen(
            [BINARY, *arguments, "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=self.log,
            stdin=subprocess.DEVNULL, text=True,
            env={**os.environ, "SLUICE_LOG_FORMAT": "json", "SLUICE_LIMITS": str(self.folder.resolve() / ".limits")})
        printed = ""
        while True:
            line = self.child.stdout.readline()
            printed += line
            try:
                self.announced = json.loads(printed)
                break
            except json.JSONDecodeError:
                if not line:
                    raise RuntimeError("did not start: " + (self.folder / "stderr.txt").read_text()) from None
        self.address = self.announced["address"]

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.log.close()


class Sandbox(Service):
    """A local Planhat."""

    def __init__(self, *options):
        super().__init__(["sandbox", "--listen", "127.0.0.1:0", *options], tempfile.mkdtemp(prefix="sluice-sandbox-"))
        self.token = self.announced["token"]

    def companies(self):
        """What has arrived, at most a page of it."""
        request = urllib.request.Request(
            self.address + "/companies?limit=2000", headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Server(Service):
    """The pages, on a free port."""

    def __init__(self, folder=None, *, admin=True):
        folder = Path(folder or tempfile.mkdtemp(prefix="sluice-pages-"))
        super().__init__(["serve", "--listen", "127.0.0.1:0"], folder)
        self.first_link = self.announced.get("first_link")
        self.session = self.post(urllib.parse.urlsplit(self.first_link).path,
                                 name=ADMIN, password=PASSWORD, again=PASSWORD) if admin else None

    def post(self, path, **fields):
        """Sends a form as a browser without a session would; the answer's session, if it gives one."""
        place = urllib.parse.urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        connection.request("POST", path, urllib.parse.urlencode(fields),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        cookie = answer.getheader("Set-Cookie") or ""
        return cookie.split(";")[0].partition("=")[2] or None

    def sign_in(self, name, password):
        return self.post("/sign-in", name=name, password=password)

    def json(self, path):
        place = urllib.parse.urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        connection.request("GET", path + ".json", headers={"Cookie": "sluice=" + self.session})
        body = json.loads(connection.getresponse().read())
        connection.close()
        return body

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Silent:
    """Something that takes connections and says nothing, until it hangs up."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()

    def __enter__(self):
        return self

    def take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            return

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        # Waiting in `accept` keeps a socket open that is only closed.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.taken:
            one.close()


class Customers:
    """A table of 40 customers in a schema of its own on the PostgreSQL server of the tests."""

    def __init__(self, word):
        self.given = {key.removeprefix("SLUICE_TEST_PG_").lower(): value for key, value in os.environ.items()
                      if key.startswith("SLUICE_TEST_PG_")}
        self.schema = f"browser_{word}_{os.getpid()}"
        self.run_sql(f"""
            create schema {self.schema};
            create table {self.schema}.customers (id int primary key, name text not null, plan text, seen timestamptz);
            insert into {self.schema}.customers
                select n, 'Customer ' || n, case when n % 2 = 0 then 'Team' else 'Free' end, now()
                from generate_series(1, 40) as n;
            """)

    def run_sql(self, sql):
        found = shutil.which("psql") or sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
        subprocess.run([found, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql], check=True, capture_output=True,
                       env={**os.environ, "PGHOST": self.given["host"], "PGPORT": self.given["port"],
                            "PGUSER": self.given["user"], "PGPASSWORD": self.given["password"],
                            "PGDATABASE": self.given["database"]})

    def stop(self):
        self.run_sql(f"drop schema {self.schema} cascade")


def sluice(folder, *arguments):
    """A command of the program; its exit status says how it went."""
    return subprocess.run([BINARY, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def accounts(path, count, odd=True):
    """A small database as a company has it. With `odd` some rows cannot arrive: a key twice, a number that is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("create table accounts (id text, name text, seats text, plan text, updated_at text)")
        database.execute("create table people (id text, account_id text, email text, first_name text)")
        rows = [(f"acct-{n}", f"Company {n}", str(n % 50), "Team", f"2026-11-01T00:00:{n % 60:02}Z")
                for n in range(1, count + 1)]
        if odd:
            rows[4] = ("acct-5", "Company 5 <b>&\"", "many", "Team", "2026-11-01T00:00:05Z")
            rows += [("acct-6", "Company 6 again", "1", "Free", "2026-11-01T00:00:06Z")]
        database.executemany("insert into accounts values (?, ?, ?, ?, ?)", rows)
        database.executemany("insert into people values (?, ?, ?, ?)", [
            (f"p-{n}", f"acct-{n}", f"p{n}@example.com", f"Person {n}") for n in range(1, 21)])
    database.close()


def wait_until(what, is_so, seconds=30):
    """Asks until it is so; the only clock of these tests, and a limit, not a measure."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}")
        time.sleep(0.02)
