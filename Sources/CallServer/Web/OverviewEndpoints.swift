import CallBridge
import HTTPTypes
import Logging
import RealtimeProtocol
import Trunk
import WebServer

/// How the whole server stands, for the dashboard; and whether it takes calls.
struct OverviewEndpoints: Sendable {
    let live: LiveSettings
    let directory: CallDirectory
    let planner: CallPlanner
    let records: RecordKeeping?
    let drain: DrainState
    let logger: Logger
    let engineStats: @Sendable () async -> [EngineStats]
    let viewers: @Sendable () -> Int
    let startedAt = UnixTime.milliseconds

    var routes: [Route] {
        [
            Route(.get, "/overview", "How the server stands", access: .viewer) { _ in .json(await overview()) },
            Route(
                .post,
                "/drain",
                "Takes no new calls any more; those in progress go on",
                access: .operate,
                responses: [(202, "it does not")]
            ) { request in
                drain.begin()
                logger.notice("drained: no new calls are taken", metadata: ["by": "\(request.actor)"])
                return .json(["draining": true], status: .accepted)
            },
            Route(
                .post,
                "/undrain",
                "Takes calls again after /drain",
                access: .operate,
                responses: [(202, "it does"), (409, "the server is being stopped")]
            ) { request in
                guard drain.end() else { throw WebError(.conflict, "the server is being stopped") }
                logger.notice("calls are taken again", metadata: ["by": "\(request.actor)"])
                return .json(["draining": false], status: .accepted)
            },
        ]
    }

    private func overview() async -> JSONValue {
        let settings = live.settings
        let stats = await engineStats()
        let spent = planner.caps.withLock { $0.dayMicrodollars }
        let off: JSONValue = [
            "enabled": false, "healthy": true, "queued": 0, "dropped": 0, "last_error": .null, "recording": false,
            "recordings": ["healthy": true, "refused": 0, "dropped": 0, "disk_errors": 0, "last_error": .null],
            "ends_undelivered": 0,
        ]
        return [
            "version": .string(Server.version), "environment": .string(settings.environmentName),
            "started_at": .string(UnixTime.text(startedAt)), "draining": .bool(drain.isDraining),
            "parrot": .bool(settings.usesParrot), "calls_active": .integer(Int64(directory.liveCount)),
            "calls_max": .integer(Int64(settings.callsMax)), "day_cost_usd": .number(Double(spent) / 1_000_000),
            "day_budget_usd": settings.caps.dayMicrodollars.map { .number(Double($0) / 1_000_000) } ?? .null,
            "turn_longest_us": .integer(Int64(clamping: stats.map(\.turnLongestMicroseconds).max() ?? 0)),
            "events_lost": .integer(Int64(clamping: stats.reduce(0) { $0 + $1.eventsLost })),
            "viewers": .integer(Int64(viewers())), "public_url": .string(settings.publicURL),
            "records": records?.status ?? off,
        ]
    }
}
