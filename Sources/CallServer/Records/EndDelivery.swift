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
    }

    /// Attempts before an end is given up.
    private static let attemptsMaximum = 12
    /// The pause before the second attempt; it doubles with each, up to the longest.
    private static let firstPauseMilliseconds: Int64 = 1_000
    private static let longestPauseMilliseconds: Int64 = 3_600_000
    private static let atOnce = 16
    private static let lookMilliseconds: UInt64 = 500

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
        while !Task.isCancelled {
            let now = UnixTime.milliseconds
            let due = (try? await records.ask { try $0.due(now: now, limit: Self.atOnce) }) ?? []
            await withDiscardingTaskGroup { tasks in
                for item in due { tasks.addTask { await self.deliver(item, records) } }
            }
            if due.count < Self.atOnce { try? await Task.sleep(nanoseconds: Self.lookMilliseconds * 1_000_000) }
        }
    }

    private func deliver(_ item: OutboxItem, _ records: RecordKeeping) async {
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
            try? await records.ask { try $0.delivered(item.id) }
        } else {
            counted.withLock { $0.failed += 1 }
            let pause = min(Self.longestPauseMilliseconds, Self.firstPauseMilliseconds << min(20, item.attempts))
            let next = item.attempts + 1 < Self.attemptsMaximum ? UnixTime.milliseconds + pause : nil
            try? await records.ask { try $0.failed(item.id, nextAt: next) }
        }
    }
}
