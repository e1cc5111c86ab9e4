import Testing
import WebUI

@Suite struct PlaceTests {
    @Test func everyPlaceIsFoundAgainByItsPath() throws {
        let places: [Place] = [
            .overview, .syncs, .sync("a b/c.json"), .syncAction("x", .reset), .record(sync: "s", key: "a/b?c#d.json"),
            .record(sync: "s", key: "[\"a\",\"b\"]"), .record(sync: "s", key: "ÅÄÖ 100%"), .runs, .run(12),
            .runEvents(12), .records(run: 3), .recordsCSV(run: 3), .cancel(run: 3), .exchange(run: 3, number: 0),
            .connections, .connection(.source, "a"), .check(.destination, "b"), .errors, .system, .audit, .people,
            .signIn, .signOut, .welcome("t-_k"), .health, .ready, .metrics,
        ]
        for place in places {
            let found = try #require(Place.parse(place.path))
            #expect(found.place == place)
            #expect(!found.isJSON)
        }
    }

    @Test func jsonIsTheSameAddressWithASuffix() throws {
        #expect(try #require(Place.parse("/runs/12.json")) == (.run(12), true))
        #expect(try #require(Place.parse("/syncs/s/records/k.json")) == (.record(sync: "s", key: "k"), true))
    }

    @Test(arguments: [
        "", "runs", "//", "/runs/0", "/runs/-1", "/runs/+1", "/runs/x", "/runs/99999999999999999999", "/syncs/",
        "/syncs/a/b", "/exchanges/1", "/exchanges/1-", "/exchanges/1--1", "/exchanges/-1", "/a/b/c/d/e", "/syncs/%zz",
        "/syncs/%FF", "/syncs/a%00b", "/runs/1/../2",
    ])
    func whatIsNoPlaceIsNone(_ path: String) {
        #expect(Place.parse(path) == nil)
    }

    @Test func aQueryIsEncodedAndLeavesOutWhatIsMissing() {
        #expect(Place.runs.link([("sync", "a&b=c"), ("state", nil)]) == "/runs?sync=a%26b%3Dc")
        #expect(Place.runs.link([("sync", nil)]) == "/runs")
    }
}
