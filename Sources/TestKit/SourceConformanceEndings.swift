internal import ConnectorKit
internal import Records

/// The rules for scans that do not run to their end: wrong relations, errors of the body, early returns,
/// cancellation. Each must leave nothing behind.
struct SourceConformanceEndings: Sendable {
    static let cancelLimit: Duration = .seconds(1)

    let suite: SourceConformance

    func violations() async -> [String] {
        var found: [String] = []
        found += await suite.rule("missing relation") { try await missingRelation() }
        found += await suite.rule("missing column") { try await missingColumn() }
        found += await suite.rule("error of the body") { try await bodyError() }
        found += await suite.rule("early return") { try await earlyReturn() }
        found += await suite.rule("cancel before the scan") { try await cancelBefore() }
        found += await suite.rule("cancel while a batch is awaited") { try await cancel(readsOn: true) }
        found += await suite.rule("cancel while the body is busy elsewhere") { try await cancel(readsOn: false) }
        return found
    }

    private struct BodyError: Error, Equatable { var number: Int }

    private func missingRelation() async throws -> [String] {
        var found: [String] = []
        do {
            _ = try await suite.read(ScanRequest(suite.missingRelation))
            found.append("a scan does not throw")
        } catch {
            found += judge(error, of: "a scan")
        }
        do {
            _ = try await suite.source.columns(of: suite.missingRelation)
            found.append("columns(of:) does not throw")
        } catch {
            found += judge(error, of: "columns(of:)")
        }
        return found
    }

    private func missingColumn() async throws -> [String] {
        let request = ScanRequest(suite.relation, columns: [suite.columnNames[0], "no such column"])
        do {
            _ = try await suite.read(request)
            return ["a scan does not throw"]
        } catch {
            return judge(error, of: "a scan")
        }
    }

    /// An error for a person: a documented form, a hint, no secret.
    private func judge(_ error: any Error, of place: String) -> [String] {
        guard let error = error as? SourceError else { return ["\(place) throws \(error), not a SourceError"] }
        var found = suite.leaks(in: "\(error)", of: "the error of \(place)")
        let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789_")
        if error.code.isEmpty || !error.code.allSatisfy(letters.contains) {
            found.append("the code \"\(error.code)\" of \(place) is not snake_case")
        }
        if error.message.isEmpty { found.append("the error of \(place) has no message") }
        if error.hint.isEmpty { found.append("the error of \(place) has no hint") }
        return found
    }

    private func bodyError() async throws -> [String] {
        do {
            try await suite.source.withScan(ScanRequest(suite.longRelation)) { batches in
                _ = try await batches.next()
                throw BodyError(number: 7)
            }
            return ["is swallowed"]
        } catch let error as BodyError {
            return error == BodyError(number: 7) ? [] : ["is changed"]
        } catch {
            return ["becomes \(error)"]
        }
    }

    private func earlyReturn() async throws -> [String] {
        let result = try await suite.source.withScan(ScanRequest(suite.longRelation)) { _ in 42 }
        return result == 42 ? [] : ["the body's result is lost"]
    }

    private func cancelBefore() async throws -> [String] {
        let suite = suite
        return await withTaskGroup(of: [String].self) { group in
            group.cancelAll()
            group.addTask {
                do {
                    _ = try await suite.read(ScanRequest(suite.longRelation))
                    return ["a cancelled task reads all rows"]
                } catch {
                    return error is CancellationError ? [] : ["throws \(error), not a CancellationError"]
                }
            }
            return await group.next() ?? []
        }
    }

    /// Cancels once the scan runs and measures how long `withScan` takes to return.
    private func cancel(readsOn: Bool) async throws -> [String] {
        let suite = suite
        let (started, start) = AsyncStream<Void>.makeStream()
        return try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask {
                defer { start.finish() }
                do {
                    try await suite.source.withScan(ScanRequest(suite.longRelation)) { batches in
                        start.yield()
                        if !readsOn { try await Task.sleep(for: .seconds(60)) }
                        while try await batches.next() != nil {}
                    }
                    return ["the scan ended before it was cancelled, or ignored it: give a longer one"]
                } catch {
                    return error is CancellationError ? [] : ["throws \(error), not a CancellationError"]
                }
            }
            var starts = started.makeAsyncIterator()
            _ = await starts.next()
            let clock = ContinuousClock()
            let begin = clock.now
            group.cancelAll()
            var found = try await group.next() ?? []
            let taken = clock.now - begin
            if taken > Self.cancelLimit { found.append("took \(taken) to return") }
            return found
        }
    }
}
