import CallBridge
import CallRecords
import RealtimeProtocol
import Trunk

/// Tells a server of the operator's of each call's end: one signed POST, repeated from the records until it is taken.
final class EndDelivery: Sendable {
    /// What was counted.
    struct Counters: Sendable {
        var delivered = 0
        var failed = 0
        var givenUp = 0
    }

    /// Attempts before an end is given up.
    private static let attemptsMaximum = 12
    /// The pause before the second attempt; it doubles with each, up to the longest.
    private static let firstPauseMilliseconds: Int64 = 1_000
    private static let longestPauseMilliseconds: Int64 = 3_600_000
    private static let atOnce = 16
    private static let lookMilliseconds = 500
    private static let longestLookMilliseconds = 60_000

    private let store: CallStore
    private let url: OutboundURL
    private let key: String
    private let fetcher: any HTTPFetching
    private let counted = Locked(Counters())

    init(_ store: CallStore, _ url: OutboundURL, key: String, fetcher: any HTTPFetching) {
        self.store = store
        self.url = url
        self.key = key
        self.fetcher = fetcher
    }

    var counters: Counters { counted.withLock { $0 } }

    func run(_ records: RecordKeeping) async {
        var pause = Self.lookMilliseconds
        while !Task.isCancelled {
            let now = UnixTime.milliseconds
            let due = (try? await records.ask { try $0.due(now: now, limit: Self.atOnce) }) ?? []
            let isNoted = await withTaskGroup(of: Bool.self) { tasks in
                for item in due { tasks.addTask { await self.deliver(item, records) } }
                return await tasks.allSatisfy { $0 }
            }
            // What was done cannot be noted, so that it is due again at once: a full disk must not make us a flood.
            pause = isNoted ? Self.lookMilliseconds : min(pause * 2, Self.longestLookMilliseconds)
            if due.count < Self.atOnce || !isNoted { try? await Task.sleep(for: .milliseconds(pause)) }
        }
    }

    /// Returns whether the outcome could be noted.
    private func deliver(_ item: OutboxItem, _ records: RecordKeeping) async -> Bool {
        var request = OutboundRequest(method: "POST", server: url.server, target: url.target)
        request.body = Array(item.payload.utf8)
        request.headers = [
            .init("Content-Type", "application/json"), .init("Accept-Encoding", "identity"),
            .init("X-Trunkline-Delivery", "\(item.id)"),
        ]
        if let signature = WebhookSignature.header(request.body, key: key) { request.headers.append(signature) }
        var isTaken = false
        do throws(OutboundFailure) {
            isTaken = (200...299).contains(try await fetcher.fetch(request).status)
        } catch {}
        if isTaken {
            counted.withLock { $0.delivered += 1 }
            return (try? await records.ask { try $0.delivered(item.id) }) != nil
        } else {
            let pause = min(Self.longestPauseMilliseconds, Self.firstPauseMilliseconds << min(20, item.attempts))
            let next = item.attempts + 1 < Self.attemptsMaximum ? UnixTime.milliseconds + pause : nil
            counted.withLock { counted in
                counted.failed += 1
                if next == nil { counted.givenUp += 1 }
            }
            return (try? await records.ask { try $0.failed(item.id, nextAt: next) }) != nil
        }
    }
}
