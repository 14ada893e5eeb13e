import CallBridge
import CallServer
import Foundation
import RealtimeProtocol
import Testing

@testable import CallPolicy

/// The text that Prometheus reads.
@Suite struct MetricsTests {
    private static var odd: [MetricFamily] {
        var histogram = Histogram(bounds: [0.1, 1])
        for value in [0.05, 0.1, 0.2, 1, 5] { histogram.observe(value) }
        return [
            MetricFamily(
                "a_total",
                "Line one\nand \\ two.",
                .counter([.init(3), .init(1.5, [.init("l", "a\"b\\c\nd")])])
            ),
            MetricFamily("b", "B.", .gauge([.init(-2), .init(.infinity, [.init("x", "1"), .init("y", "")])])),
            MetricFamily("c_seconds", "C.", .histogram([([.init("t", "v")], histogram)])),
        ]
    }

    private static let expected = #"""
        # HELP a_total Line one\nand \\ two.
        # TYPE a_total counter
        a_total 3
        a_total{l="a\"b\\c\nd"} 1.5
        # HELP b B.
        # TYPE b gauge
        b -2
        b{x="1",y=""} +Inf
        # HELP c_seconds C.
        # TYPE c_seconds histogram
        c_seconds_bucket{t="v",le="0.1"} 2
        c_seconds_bucket{t="v",le="1"} 4
        c_seconds_bucket{t="v",le="+Inf"} 5
        c_seconds_sum{t="v"} 6.35
        c_seconds_count{t="v"} 5

        """#

    @Test func isWrittenAsTheFormatSays() { #expect(PrometheusText.write(Self.odd) == Self.expected) }

    private static func calls() -> CallMetrics {
        var metrics = CallMetrics()
        var summary = CallSummary()
        summary.durationMilliseconds = 45_000
        summary.usage.audioInput = 7
        summary.usage.textCached = 2
        metrics.observe(.event(.turnLatency(.init(createdMilliseconds: nil, firstAudioMilliseconds: 450))))
        metrics.observe(.event(.toolFinished(callID: "c", name: "w", .succeeded, output: "", milliseconds: 90)))
        metrics.observe(.event(.toolFinished(callID: "c", name: "w", .timedOut, output: "", milliseconds: 20_001)))
        metrics.observe(.event(.warning(.limit, detail: "+15550100")))
        metrics.observe(
            .event(
                .interrupted(
                    Interruption(
                        cause: .speech,
                        heardMilliseconds: 900,
                        droppedMilliseconds: 400,
                        talkOverMilliseconds: 250
                    )
                )
            )
        )
        metrics.observe(.event(.summary(summary)))
        return metrics
    }

    @Test func recordsAddUp() {
        let text = PrometheusText.write(Self.calls().families)
        for line in [
            "trunkline_turn_latency_seconds_bucket{le=\"0.3\"} 0",
            "trunkline_turn_latency_seconds_bucket{le=\"0.5\"} 1",
            "trunkline_tool_seconds_count{tool=\"w\",outcome=\"succeeded\"} 1",
            "trunkline_tool_seconds_bucket{tool=\"w\",outcome=\"timed_out\",le=\"20\"} 0",
            "trunkline_call_warnings_total{kind=\"limit\"} 1", "trunkline_call_duration_seconds_sum 45",
            "trunkline_openai_tokens_total{direction=\"input\",modality=\"audio\",cached=\"no\"} 7",
            "trunkline_openai_tokens_total{direction=\"input\",modality=\"text\",cached=\"yes\"} 2",
            "trunkline_barge_in_total 1", "trunkline_talk_over_seconds_bucket{le=\"0.2\"} 0",
            "trunkline_talk_over_seconds_bucket{le=\"0.3\"} 1",
        ] { #expect(text.contains("\(line)\n"), "\(line)") }
        #expect(!text.contains("15550100"))
    }

    @Test func labelsAreBounded() {
        var metrics = CallMetrics()
        for number in 0..<1_000 {
            metrics.observe(
                .event(.toolFinished(callID: "c", name: "t\(number)", .failed, output: "", milliseconds: 1))
            )
        }
        let text = PrometheusText.write(metrics.families)
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("trunkline_tool_seconds_count") }.count == 201)
        #expect(text.contains("trunkline_tool_seconds_count{tool=\"other\",outcome=\"other\"} 800\n"))
    }

    @Test(.enabled(if: Promtool.isThere, "needs promtool"))
    func promtoolFindsNothing() throws {
        #expect(try Promtool.check(PrometheusText.write(Self.calls().families)) == "")
        // And it would find something.
        #expect(try Promtool.check("trunkline_x{a=1} 2\n") != "")
    }
}

/// Prometheus' own judge of texts.
private enum Promtool {
    static let isThere = (try? check("")) != nil

    /// What it complains of.
    static func check(_ text: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["promtool", "check", "metrics"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input.fileHandleForWriting.write(Data(text.utf8))
        try input.fileHandleForWriting.close()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        if process.terminationStatus == 127 { throw CocoaError(.fileNoSuchFile) }
        return String(decoding: answer, as: UTF8.self)
    }
}
