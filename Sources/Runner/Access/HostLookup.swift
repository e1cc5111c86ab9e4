internal import Foundation
internal import Glibc
internal import Synchronization

/// Asks what the name of a host leads to. Tests give their own answers.
package struct HostLookup: Sendable {
    /// More than so many at once are not asked: a name service that hangs keeps a thread each.
    static let askedMax = 32

    /// Every address of the name, as `AddressRange` reads it; empty where there is none, nil where that could not be
    /// learned in time.
    package var addresses: @Sendable (String) async -> [String]?

    package init(addresses: @escaping @Sendable (String) async -> [String]?) {
        self.addresses = addresses
    }

    /// The machine's own name service. One of its servers that is down takes five seconds before the next is asked, so it
    /// is given several times as long; and a batch a second does not ask each time.
    package static let system = HostLookup(patience: .seconds(15), keeps: .seconds(10)) { numeric($0) }

    /// - Parameters:
    ///   - keeps: how long addresses that were found are taken for what the name leads to.
    ///   - clock: the time that has passed, from any beginning.
    ///   - resolve: blocks, so each call gets a thread. One that takes too long cannot be stopped: it ends by itself, and
    ///     nobody waits for it; what it finds is there for whoever asks next.
    package init(
        patience: Duration, keeps: Duration = .zero,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        _ resolve: @escaping @Sendable (String) -> [String]
    ) {
        let asked = Asked()
        let kept = KeptAnswers(for: keeps, clock)
        addresses = { name in
            if let answer = kept.answer(name) { return answer }
            guard asked.begin() else { return nil }
            let (answers, told) = AsyncStream<[String]>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let thread = Thread {
                let answer = resolve(name)
                kept.keep(answer, name)
                told.yield(answer)
                told.finish()
                asked.end()
            }
            thread.name = "host-lookup"
            thread.start()
            return await withTaskGroup(of: [String]?.self) { group in
                group.addTask {
                    var answer = answers.makeAsyncIterator()
                    return await answer.next()
                }
                group.addTask {
                    // Cancelled as soon as there is an answer, or with whoever asked.
                    do { try await Task.sleep(for: patience) } catch { return nil }
                    return nil
                }
                defer { group.cancelAll() }
                return await group.next() ?? nil
            }
        }
    }

    /// Good answers, for a short while.
    private final class KeptAnswers: Sendable {
        private let time: Duration
        private let clock: @Sendable () -> ContinuousClock.Instant
        private let answers = Mutex<[String: (addresses: [String], until: ContinuousClock.Instant)]>([:])

        init(for time: Duration, _ clock: @escaping @Sendable () -> ContinuousClock.Instant) {
            self.time = time
            self.clock = clock
        }

        func answer(_ name: String) -> [String]? {
            let now = clock()
            return answers.withLock { answers in
                answers[name].flatMap { $0.until > now ? $0.addresses : nil }
            }
        }

        func keep(_ addresses: [String], _ name: String) {
            guard !addresses.isEmpty, time > .zero else { return }
            let now = clock()
            answers.withLock { answers in
                answers = answers.filter { $0.value.until > now }
                answers[name] = (addresses, now + time)
            }
        }
    }

    private final class Asked: Sendable {
        private let count = Mutex(0)

        func begin() -> Bool {
            count.withLock { count in
                guard count < HostLookup.askedMax else { return false }
                count += 1
                return true
            }
        }

        func end() { count.withLock { $0 -= 1 } }
    }

    /// The addresses of a name in the spelling of `inet_ntop`. Blocks, unless only addresses are taken.
    static func numeric(_ name: String, isAddress: Bool = false) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = isAddress ? AI_NUMERICHOST : 0
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &first) == 0 else { return [] }
        defer { unsafe freeaddrinfo(first) }
        var found: [String] = []
        var next = unsafe first
        while let one = unsafe next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            let status = unsafe getnameinfo(
                one.pointee.ai_addr, one.pointee.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST)
            // One that cannot be written is none that anything is known of: it is forbidden.
            found.append(
                status == 0
                    ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?")
            unsafe next = unsafe one.pointee.ai_next
        }
        return found
    }
}
