import CallServer
import Foundation
import Simulators
import TestSupport
import Testing

/// What a whole server tells Prometheus: each limit that can be hit has a counter.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ServerMetricsTests {
    @Test func eachLimitHasACounter() async throws {
        let folder = try TemporaryFolder()
        var parts = Server.Parts()
        parts.fetcher = ScriptedFetcher([])
        parts.logCounters = { LogWriter.Counters() }
        let server = try await ServerFixture(["DATABASE_PATH": folder.path + "/calls.db"], parts: parts)
        let text = try await server.ask("GET", "/metrics").text
        for name in [
            "live_viewers", "live_viewers_refused_total", "live_viewers_dropped_total", "listeners",
            "listeners_refused_total", "listeners_dropped_total", "pre_call_questions_total",
            "pre_call_failures_total", "prepared_calls_forgotten_total", "stream_tokens_refused_total",
            "stream_tokens_forgotten_total", "logins_ended_early_total", "tool_requests_total",
            "tool_request_retries_total", "tool_requests_refused_total{reason=\"busy\"}", "tool_results_cut_total",
            "log_bytes_lost_total", "outbox_dropped_total", "record_orphans_total", "turns_dropped_total",
        ] { #expect(text.contains("\ntrunkline_\(name) 0\n"), "\(name)") }
        if Program.isThere("promtool") {
            let judged = try await Program.run("promtool", ["check", "metrics"], input: text, withErrors: true)
            #expect(judged.output == "" && judged.status == 0)
        }
        await server.stop()
    }

    @Test func viewersBeyondTheLimitAreCounted() async throws {
        let server = try await ServerFixture(["LOG_VIEWERS_MAX": "1"])
        let first = try await server.viewer("/ws/live")
        _ = await first.texts(until: "snapshot")
        let second = try await server.viewer("/ws/live")
        #expect(await second.read { $0.count > 12 }.starts(with: Array("HTTP/1.1 503".utf8)))
        let text = try await server.ask("GET", "/metrics").text
        #expect(text.contains("\ntrunkline_live_viewers 1\n"))
        #expect(text.contains("\ntrunkline_live_viewers_refused_total 1\n"))
        await server.stop()
    }

    /// A file that is taken away under a running server: the records go on in another, and the log says so.
    @Test func whatHappensToTheRecordsIsLogged() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/calls.db"
        let said = LogLines()
        let server = try await ServerFixture(["DATABASE_PATH": path], logger: said.logger)
        for name in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + name) }
        let outcome = try await server.call(1, [.speakPattern(milliseconds: 300), .hangUp(.stop)])
        await outcome.ended()
        _ = try await server.ask("/history") { $0.text.contains("caller_hung_up") }
        #expect(said.lines.contains { $0.hasPrefix("error records ") && $0.contains("was deleted or replaced") })
        await server.stop()
    }
}
