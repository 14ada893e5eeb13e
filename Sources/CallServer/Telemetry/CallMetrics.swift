public import CallBridge
import CallPolicy
import RealtimeProtocol

/// Values by label, of which there are never too many: what comes after the last place is counted as `other`.
struct LabelledValues<Value: Sendable>: Sendable {
    /// Places; further labels share one more.
    private let maximum: Int
    private var values: [[String]: Value] = [:]

    /// Labels of tools come from a configuration, others are short lists.
    init(maximum: Int = 200) { self.maximum = maximum }

    mutating func update(_ labels: [String], initial: Value, _ change: (inout Value) -> Void) {
        let isNew = values[labels] == nil
        let key = isNew && values.count >= maximum ? labels.map { _ in "other" } : labels
        change(&values[key, default: initial])
    }

    /// In a fixed order, so that two scrapes are alike.
    var sorted: [(labels: [String], value: Value)] {
        values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }
}

/// What all calls add up to: the records of bridges in, metrics out. Ids and numbers of callers are never labels.
public struct CallMetrics: Sendable {
    private static let turnBounds = [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 4]
    private static let talkOverBounds = [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2]
    private static let connectBounds = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
    private static let durationBounds: [Double] = [1, 10, 30, 60, 120, 300, 600, 1_800, 3_600]
    private static let toolBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

    private var calls = LabelledValues<UInt64>()
    private var duration = Histogram(bounds: durationBounds)
    private var turnLatency = Histogram(bounds: turnBounds)
    private var talkOver = Histogram(bounds: talkOverBounds)
    private var connect = Histogram(bounds: connectBounds)
    private var bargeIns: UInt64 = 0
    private var reconnects: UInt64 = 0
    private var losses = LabelledValues<UInt64>()
    private var tokens = LabelledValues<UInt64>()
    private var tools = LabelledValues<Histogram>()
    private var warnings = LabelledValues<UInt64>()
    private var costMicrodollars: Int64 = 0

    /// Nothing yet.
    public init() {}

    /// Takes a record into account.
    public mutating func observe(_ kind: CallRecord.Kind) {
        switch kind {
        case .event(let event): observe(event)
        case .ended(let reason, let initiator, _):
            calls.update([reason.rawValue, initiator.rawValue], initial: 0) { $0 += 1 }
        case .playback, .planned: break
        }
    }

    private mutating func observe(_ event: CallEvent) {
        switch event {
        case .turnLatency(let latency): turnLatency.observe(Double(latency.firstAudioMilliseconds) / 1_000)
        case .interrupted(let interruption):
            bargeIns += 1
            if let both = interruption.talkOverMilliseconds { talkOver.observe(Double(both) / 1_000) }
        case .modelServing(_, _, let milliseconds): connect.observe(Double(milliseconds) / 1_000)
        case .modelLost(_, let close, lost: true): losses.update(["\(close.cause)"], initial: 0) { $0 += 1 }
        case .reconnected: reconnects += 1
        case .toolFinished(_, let name, let outcome, _, let milliseconds):
            tools.update([name, outcome.rawValue], initial: Histogram(bounds: Self.toolBounds)) {
                $0.observe(Double(milliseconds) / 1_000)
            }
        case .warning(let kind, _): warnings.update([kind.rawValue], initial: 0) { $0 += 1 }
        case .summary(let summary): observe(summary)
        default: break
        }
    }

    private mutating func observe(_ summary: CallSummary) {
        duration.observe(Double(summary.durationMilliseconds) / 1_000)
        costMicrodollars += summary.usage.costMicrodollars
        let usage = summary.usage
        for (direction, modality, cached, count) in [
            ("input", "text", "no", usage.textInput), ("input", "text", "yes", usage.textCached),
            ("output", "text", "no", usage.textOutput), ("input", "audio", "no", usage.audioInput),
            ("input", "audio", "yes", usage.audioCached), ("output", "audio", "no", usage.audioOutput),
        ] where count > 0 { tokens.update([direction, modality, cached], initial: 0) { $0 += UInt64(count) } }
    }

    /// The metrics.
    public var families: [MetricFamily] {
        [
            MetricFamily(
                "trunkline_calls_total",
                "Calls that ended, by reason and by who ended them.",
                .counter(Self.samples(calls, ["outcome", "initiator"]))
            ),
            MetricFamily("trunkline_call_duration_seconds", "Length of calls.", .histogram([([], duration)])),
            MetricFamily(
                "trunkline_turn_latency_seconds",
                "From the end of the caller's turn to the first audio sent.",
                .histogram([([], turnLatency)])
            ),
            MetricFamily("trunkline_barge_in_total", "Interruptions of the agent.", Self.counter(bargeIns)),
            MetricFamily(
                "trunkline_talk_over_seconds",
                "How long both had been speaking when the agent was interrupted.",
                .histogram([([], talkOver)])
            ),
            MetricFamily(
                "trunkline_openai_connect_seconds",
                "From dialling the model to a session that serves.",
                .histogram([([], connect)])
            ),
            MetricFamily(
                "trunkline_openai_losses_total",
                "Model connections that were lost while a call needed them.",
                .counter(Self.samples(losses, ["reason"]))
            ),
            MetricFamily("trunkline_openai_reconnects_total", "Models that came back.", Self.counter(reconnects)),
            MetricFamily(
                "trunkline_openai_tokens_total",
                "Tokens of calls that ended.",
                .counter(Self.samples(tokens, ["direction", "modality", "cached"]))
            ),
            MetricFamily(
                "trunkline_cost_dollars_total",
                "What calls that ended cost.",
                .counter([.init(Double(costMicrodollars) / 1_000_000)])
            ),
            MetricFamily(
                "trunkline_tool_seconds",
                "How long tools ran.",
                .histogram(tools.sorted.map { (Self.labels($0.labels, ["tool", "outcome"]), $0.value) })
            ),
            MetricFamily(
                "trunkline_call_warnings_total",
                "What was not as it should be in a call that went on.",
                .counter(Self.samples(warnings, ["kind"]))
            ),
        ]
    }

    private static func counter(_ value: UInt64) -> MetricFamily.Values { .counter([.init(Double(value))]) }

    private static func labels(_ values: [String], _ names: [String]) -> [MetricFamily.Label] {
        zip(names, values).map { .init($0, $1) }
    }

    private static func samples(_ values: LabelledValues<UInt64>, _ names: [String]) -> [MetricFamily.Sample] {
        values.sorted.map { .init(Double($0.value), labels($0.labels, names)) }
    }
}
