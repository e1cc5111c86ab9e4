import Foundation
import Testing

/// A PostgreSQL server of its own that dies in the middle of a scan.
@Suite(
    .serialized, .enabled(if: SluiceProgram.isThere, "\(SluiceProgram.missing)"),
    .enabled(if: PostgresServer.isThere, "\(PostgresServer.missing)"))
struct PostgresFaultTests {
    private static let rows = 3_000

    private func project(_ address: String) -> String {
        """
        version: 1
        sources:
          warehouse:
            {type: postgres, host: 127.0.0.1, port: "${PGPORT}", database: sluice_test, user: sluice_test, password: "${PG}"}
        destinations:
          planhat:
            {type: planhat, base_url: "\(address)", api_key: "${PLANHAT_API_KEY}", requests_per_minute: 9000}
        syncs:
          companies:
            from:
              source: warehouse
              sql: select * from accounts where id % 300 <> 0 or pg_sleep(0.08)::text = ''
            to: planhat.company
            behavior: mirror
            key: {column: id, field: externalId}
            mappings: {name: name, custom.Seats: seats}
        """
    }

    /// A server that is gone breaks the scan: a broken scan plans nothing, removes nothing, and says so by name.
    @Test func aServerThatDiesInAScanFailsTheRunAndRemovesNothing() async throws {
        let folder = try WorkFolder()
        let planhat = try await LocalPlanhat(folder)
        try folder.write(project(planhat.address), to: "sluice.yaml")
        let moments = FaultMoments.fractions(of: "postgres", usually: 3).map { String($0 * 1.3) }
        // One script for all, for the server belongs to it and ends with it.
        let script = """
            cluster="\(SluiceProgram.root)/scripts/postgres-cluster"
            trap '"$cluster" stop "$PWD/pg" > /dev/null 2>&1' EXIT
            chmod 755 .; "$cluster" start "$PWD/pg" > pg.env || exit 9
            . ./pg.env
            export PGPORT=$SLUICE_TEST_PG_PORT PG=$SLUICE_TEST_PG_PASSWORD PGPASSWORD=$SLUICE_TEST_PG_PASSWORD
            # What was said to be stored has to be there after the crash; the tests' cluster promises no such thing.
            sql() { PGOPTIONS='-c synchronous_commit=on' psql -X -q -h 127.0.0.1 -U sluice_test sluice_test -c "$1"; }
            sql "create table accounts (id int primary key, name text, seats int);
                 insert into accounts select i, 'Account ' || i, 0 from generate_series(1, \(Self.rows)) i"
            "$SLUICE" run companies --json > base.json 2> base.err; echo "base $?"
            round=0
            for moment in \(moments.joined(separator: " ")); do
              round=$((round + 1))
              sql "update accounts set seats = $round; delete from accounts where id % 1000 = $round"
              "$SLUICE" run companies --json > broken-$round.json 2> broken-$round.err & pid=$!
              sleep $moment; "$cluster" crash "$PWD/pg"
              wait $pid; echo "broken-$round $?"
              curl -s http://127.0.0.1:\(planhat.port)/_sandbox/records/companies > seen-$round.jsonl
              "$cluster" again "$PWD/pg" || exit 9
              "$SLUICE" run companies --json > healed-$round.json 2> healed-$round.err; echo "healed-$round $?"
              curl -s http://127.0.0.1:\(planhat.port)/_sandbox/records/companies > after-$round.jsonl
            done
            "$SLUICE" runs companies --json --limit 200 > runs.json
            """
        let child = try folder.start(
            "/bin/bash", ["-c", "set -m\n" + script],
            environment: ["SLUICE": SluiceProgram.path, "PLANHAT_API_KEY": planhat.token])
        let ended = try await child.wait(seconds: 60 + Double(moments.count) * 10)
        #expect(ended.output.contains("base 0"), "\(ended.everything)")
        var broken = 0
        for round in 1...moments.count {
            let comment = "round \(round) at \(moments[round - 1]) s"
            let first = try JSON(parsing: text("broken-\(round).json", folder))["runs"][0]
            if ended.output.contains("broken-\(round) 1\n") {
                broken += 1
                #expect(first.state == "failed" && first.operations("planned") == 0, "\(comment): \(first)")
                let codes = ["connection_lost", "connection_failed", "connection_refused", "server_unavailable"]
                #expect(codes.contains(first["error"]["code"].string ?? ""), "\(comment): \(first)")
                // Nothing of the broken scan is to be seen.
                #expect(try lines("seen-\(round).jsonl", folder).allSatisfy { $0.seats == round - 1 }, "\(comment)")
            } else {
                #expect(ended.output.contains("broken-\(round) 0\n"), "\(comment): \(ended.everything)")
            }
            #expect(ended.output.contains("healed-\(round) 0\n"), "\(comment): \(ended.everything)")
            let after = try lines("after-\(round).jsonl", folder)
            #expect(after.count == Self.rows - round * 3, "\(comment)")
            #expect(after.allSatisfy { $0.seats == round }, "\(comment)")
        }
        #expect(broken * 2 > moments.count, "only \(broken) of \(moments.count) scans were broken")
        for run in try JSON(parsing: text("runs.json", folder))["runs"].list {
            #expect(JSON.finalStates.contains(run.state) && run.isBalanced, "\(run)")
        }
        #expect(try planhat.state()["created_again"].members.isEmpty)
    }

    private func text(_ name: String, _ folder: WorkFolder) throws -> String {
        try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
    }

    private func lines(_ name: String, _ folder: WorkFolder) throws -> [(key: String, seats: Int?)] {
        try text(name, folder).split(separator: "\n").map { line in
            let record = try JSON(parsing: String(line))
            return (record["externalId"].string ?? "", record["custom"]["Seats"].int)
        }
    }
}
