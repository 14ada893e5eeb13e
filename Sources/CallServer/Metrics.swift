import CallBridge
import CallPolicy
import Trunk
import WebServer

/// The server's counters as Prometheus reads them (text format 0.0.4).
enum Metrics {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What of an engine goes up and down; everything else only grows.
    private static let gauges: Set<String> = [
        "turnLongestMicroseconds", "poolBlocksInUse", "poolBlocksHigh", "poolBlocksTotal", "legsOpen", "callsOpen",
    ]

    static func text(
        _ engines: [EngineStats],
        _ calls: CallDirectory,
        _ web: WebService.Stats,
        _ hub: LogHub.Stats,
        _ refusals: [CarrierGuard.Refusal: Int],
        isDraining: Bool
    ) -> String {
        var page = Page()
        let totals = calls.totals
        page.add("trunkline_calls_active", "gauge", "Calls in progress.", [("", calls.liveCount)])
        page.add("trunkline_calls_started_total", "counter", "Calls that began.", [("", totals.started)])
        page.add(
            "trunkline_calls_ended_total",
            "counter",
            "Calls that ended, by reason.",
            EndReason.allCases.map { ("reason=\"\($0.rawValue)\"", totals.ended[$0] ?? 0) }
        )
        page.add("trunkline_barge_in_total", "counter", "Interruptions of the agent.", [("", totals.interruptions)])
        page.add(
            "trunkline_openai_reconnects_total",
            "counter",
            "Model connections that were lost and made again.",
            [("", totals.reconnects)]
        )
        page.add(
            "trunkline_carrier_refusals_total",
            "counter",
            "Webhooks and streams that were not let in, by reason.",
            CarrierGuard.Refusal.allCases.map { ("reason=\"\($0.rawValue)\"", refusals[$0] ?? 0) }
        )
        page.add("trunkline_draining", "gauge", "Whether no new calls are taken.", [("", isDraining ? 1 : 0)])
        addWeb(web, hub, to: &page)
        addEngines(engines, to: &page)
        return page.text
    }

    private static func addWeb(_ web: WebService.Stats, _ hub: LogHub.Stats, to page: inout Page) {
        page.add("trunkline_http_connections_open", "gauge", "HTTP connections.", [("", web.connectionsOpen)])
        page.add("trunkline_http_connections_total", "counter", "HTTP connections taken.", [("", web.connections)])
        page.add(
            "trunkline_http_connections_refused_total",
            "counter",
            "HTTP connections beyond the limit.",
            [("", web.connectionsRefused)]
        )
        page.add(
            "trunkline_http_given_back_total",
            "counter",
            "HTTP connections that became WebSockets.",
            [("", web.givenBack)]
        )
        page.add(
            "trunkline_http_answers_late_total",
            "counter",
            "Connections closed because an answer was not taken in time.",
            [("", web.answersLate)]
        )
        page.add(
            "trunkline_http_bodies_late_total",
            "counter",
            "Requests whose body came too slowly.",
            [("", web.bodiesLate)]
        )
        page.add(
            "trunkline_http_bodies_too_big_total",
            "counter",
            "Requests whose body was too big.",
            [("", web.bodiesTooBig)]
        )
        page.add(
            "trunkline_http_responses_total",
            "counter",
            "HTTP responses, by status.",
            web.responses.sorted { $0.key < $1.key }.map { ("status=\"\($0.key)\"", $0.value) }
        )
        page.add("trunkline_log_viewers", "gauge", "Viewers of the event log.", [("", hub.viewersOpen)])
        page.add(
            "trunkline_log_viewers_refused_total",
            "counter",
            "Viewers beyond the limit.",
            [("", hub.viewersRefused)]
        )
        page.add(
            "trunkline_log_viewers_dropped_total",
            "counter",
            "Viewers that did not read.",
            [("", hub.viewersDropped)]
        )
    }

    /// Every counter of the engines, by its own name.
    private static func addEngines(_ engines: [EngineStats], to page: inout Page) {
        let tables = engines.map { stats in
            Mirror(reflecting: stats).children.compactMap { child -> (String, UInt64)? in
                guard let name = child.label, let value = child.value as? UInt64 else { return nil }
                return (name, value)
            }
        }
        for (index, (name, _)) in (tables.first ?? []).enumerated() {
            let isGauge = gauges.contains(name)
            let samples = tables.enumerated().map { ("loop=\"\($0.offset)\"", $0.element[index].1) }
            page.add(
                "trunkline_loop_" + snake(name) + (isGauge ? "" : "_total"),
                isGauge ? "gauge" : "counter",
                "Counter \(name) of a loop.",
                samples
            )
        }
    }

    private static func snake(_ name: String) -> String {
        name.reduce(into: "") { text, character in
            if character.isUppercase { text += "_" }
            text += character.lowercased()
        }
    }

    private struct Page {
        var text = ""

        mutating func add(
            _ name: String,
            _ type: String,
            _ help: String,
            _ samples: [(labels: String, value: some BinaryInteger)]
        ) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for sample in samples {
                text += name + (sample.labels.isEmpty ? "" : "{\(sample.labels)}") + " \(sample.value)\n"
            }
        }
    }
}
