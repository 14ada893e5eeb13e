import CallBridge
import Trunk
import WebServer

/// Everything that Prometheus is told, gathered when it asks.
struct ServerMetrics: Sendable {
    var calls: CallMetrics
    var callsActive: Int
    var callsStarted: Int
    /// Calls that we made, by how they went.
    var outbound: [String: Int] = [:]
    var isDraining: Bool
    var engines: [EngineStats]
    var web: WebService.Stats
    var viewers: LogHub.Stats
    /// Viewers of the live page, and who listens to calls.
    var watchers: Viewers.Stats
    var listeners: Viewers.Stats
    var planner: CallPlanner.Counters
    var tokens: StreamTokens.Counters
    /// Tools that ask other servers; nil when the program cannot.
    var tools: HTTPToolRunner.Counters?
    var logins: LoginSessions.Counters
    /// Calls and streams that were not let in, by reason.
    var refusals: [String: Int]
    var dayMicrodollars: Int64
    var log: LogWriter.Counters?
    var process: ProcessSample
    var records: [MetricFamily]

    /// What of an engine goes up and down; everything else only grows.
    private static let gauges: Set<String> = [
        "turnLongestMicroseconds", "batchEventsHigh", "poolBlocksInUse", "poolBlocksHigh", "poolBlocksTotal",
        "legsOpen", "callsOpen", "opusCalls",
    ]

    var families: [MetricFamily] {
        [
            .gauge("trunkline_build_info", "The version.", 1, [.init("version", Server.version)]),
            .gauge("trunkline_calls_active", "Calls in progress.", callsActive),
            .counter("trunkline_calls_started_total", "Calls that began.", callsStarted),
            MetricFamily(
                "trunkline_outbound_calls_total",
                "Calls that we made, by how they went.",
                .counter(
                    (CallDirectory.finalStatuses.union(["answered"])).sorted().map {
                        .init(Double(outbound[$0] ?? 0), [.init("status", $0)])
                    }
                )
            ),
            .gauge("trunkline_draining", "Whether no new calls are taken.", isDraining ? 1 : 0),
            MetricFamily(
                "trunkline_admission_rejected_total",
                "Webhooks, streams and calls that were not let in, by reason.",
                .counter(refusals.sorted { $0.key < $1.key }.map { .init(Double($0.value), [.init("reason", $0.key)]) })
            ),
            MetricFamily(
                "trunkline_day_cost_dollars",
                "What this day (UTC) has cost so far.",
                .gauge([.init(Double(dayMicrodollars) / 1_000_000)])
            ),
        ] + calls.families + webFamilies + viewerFamilies + plannerFamilies + toolFamilies + logFamilies
            + engineFamilies
            + records + process.families
    }

    private var webFamilies: [MetricFamily] {
        [
            .gauge("trunkline_http_connections_open", "HTTP connections.", web.connectionsOpen),
            .counter("trunkline_http_connections_total", "HTTP connections taken.", web.connections),
            .counter(
                "trunkline_http_connections_refused_total",
                "HTTP connections beyond the limit.",
                web.connectionsRefused
            ),
            .counter("trunkline_http_given_back_total", "HTTP connections that became WebSockets.", web.givenBack),
            .counter(
                "trunkline_http_answers_late_total",
                "Connections closed because an answer was not taken in time.",
                web.answersLate
            ),
            .counter("trunkline_http_bodies_late_total", "Requests whose body came too slowly.", web.bodiesLate),
            .counter("trunkline_http_bodies_too_big_total", "Requests whose body was too big.", web.bodiesTooBig),
            MetricFamily(
                "trunkline_http_responses_total",
                "HTTP responses, by status.",
                .counter(
                    web.responses.sorted { $0.key < $1.key }.map {
                        .init(Double($0.value), [.init("status", "\($0.key)")])
                    }
                )
            ),
        ]
    }

    private var viewerFamilies: [MetricFamily] {
        [
            .gauge("trunkline_log_viewers", "Viewers of events.", viewers.viewersOpen),
            .counter("trunkline_log_viewers_refused_total", "Viewers beyond the limit.", viewers.viewersRefused),
            .counter("trunkline_log_viewers_dropped_total", "Viewers that did not read.", viewers.viewersDropped),
        ] + Self.families(of: watchers, "live_viewers", "Viewers of the live page")
            + Self.families(of: listeners, "listeners", "Who listens to calls") + [
                .counter("trunkline_logins_total", "Logins.", logins.logins),
                .counter("trunkline_login_failures_total", "Wrong passwords and tokens.", logins.failures),
                .counter("trunkline_logins_delayed_total", "Attempts not looked at after wrong ones.", logins.delayed),
                .counter(
                    "trunkline_logins_ended_early_total",
                    "Logins that ended for want of room.",
                    logins.endedEarly
                ),
            ]
    }

    private static func families(of stats: Viewers.Stats, _ name: String, _ who: String) -> [MetricFamily] {
        [
            .gauge("trunkline_\(name)", "\(who).", stats.viewersOpen),
            .counter("trunkline_\(name)_refused_total", "\(who), beyond the limit.", stats.viewersRefused),
            .counter("trunkline_\(name)_dropped_total", "\(who) and did not read.", stats.viewersDropped),
        ]
    }

    /// What was decided before calls.
    private var plannerFamilies: [MetricFamily] {
        [
            .counter(
                "trunkline_pre_call_questions_total",
                "Calls that PRE_CALL_URL was asked of.",
                planner.preCallAsked
            ),
            .counter("trunkline_pre_call_failures_total", "Of those, without a usable answer.", planner.preCallFailed),
            .counter(
                "trunkline_prepared_calls_forgotten_total",
                "Calls whose preparation was forgotten for want of room.",
                planner.preparedForgotten
            ),
            MetricFamily(
                "trunkline_routing_rule_calls_total",
                "Calls by the routing rule that chose how they are led.",
                .counter(
                    planner.rules.sorted { $0.key < $1.key }.map {
                        .init(Double($0.value), [.init("rule", $0.key.isEmpty ? "none" : $0.key)])
                    }
                )
            ),
            .counter(
                "trunkline_stream_tokens_refused_total",
                "Stream tokens that were not given: too many calls, or too many of one.",
                tokens.refused
            ),
            .counter(
                "trunkline_stream_tokens_forgotten_total",
                "Stream tokens that were forgotten for want of room.",
                tokens.forgottenEarly
            ),
        ]
    }

    private var toolFamilies: [MetricFamily] {
        guard let tools else { return [] }
        return [
            .counter("trunkline_tool_requests_total", "Requests of tools to other servers.", tools.sent),
            .counter("trunkline_tool_request_retries_total", "Of those, second attempts.", tools.retries),
            MetricFamily(
                "trunkline_tool_requests_refused_total",
                "Requests of tools that were not sent: too many at once, or the server did not answer before.",
                .counter([
                    .init(Double(tools.refusedBusy), [.init("reason", "busy")]),
                    .init(Double(tools.refusedOpen), [.init("reason", "no_answer")]),
                ])
            ),
            .counter("trunkline_tool_results_cut_total", "Results of tools that were too long.", tools.resultsCut),
        ]
    }

    private var logFamilies: [MetricFamily] {
        guard let log else { return [] }
        return [
            .counter("trunkline_log_lines_total", "Log lines.", log.lines),
            .counter("trunkline_log_lines_dropped_total", "Log lines dropped: the reader stood still.", log.dropped),
            .counter("trunkline_log_bytes_lost_total", "Bytes of log lines that nobody took.", log.bytesLost),
        ]
    }

    /// Every counter of the engines, by its own name.
    private var engineFamilies: [MetricFamily] {
        let tables = engines.map { stats in
            Mirror(reflecting: stats).children.compactMap { child -> (String, UInt64)? in
                guard let name = child.label, let value = child.value as? UInt64 else { return nil }
                return (name, value)
            }
        }
        return (tables.first ?? []).enumerated().map { index, entry in
            let isGauge = Self.gauges.contains(entry.0)
            let (name, unit) = Self.metric(entry.0)
            let samples = tables.enumerated().map {
                MetricFamily.Sample(Double($0.element[index].1) / unit, [.init("loop", "\($0.offset)")])
            }
            return MetricFamily(
                "trunkline_loop_" + name + (isGauge ? "" : "_total"),
                "\(name.split(separator: "_").joined(separator: " ")), of a loop.",
                isGauge ? .gauge(samples) : .counter(samples)
            )
        }
    }

    /// A counter's name as Prometheus wants it, and how many of its units are one of Prometheus': times are seconds there.
    private static func metric(_ name: String) -> (String, Double) {
        switch name {
        case "turnsOver5Milliseconds": ("turns_over_5ms", 1)
        case "poolBlocksTotal": ("pool_blocks_allocated", 1)
        case _ where name.hasSuffix("Milliseconds"): (snake(String(name.dropLast(12))) + "_seconds", 1_000)
        case _ where name.hasSuffix("Microseconds"): (snake(String(name.dropLast(12))) + "_seconds", 1_000_000)
        default: (snake(name), 1)
        }
    }

    private static func snake(_ name: String) -> String {
        name.reduce(into: "") { text, character in
            if character.isUppercase { text += "_" }
            text += character.lowercased()
        }
    }
}
