import CallBridge
import CallPolicy
import Simulators
import Trunk

/// Turns what server, phone and model saw of the demo call into a timeline, figures and a verdict.
struct DemoReview {
    private let records: [CallRecord]
    private let phone: PhoneReport
    private let model: [ModelLog.Entry]

    init(records: [CallRecord], phone: PhoneReport, model: [ModelLog.Entry]) {
        self.records = records
        self.phone = phone
        self.model = model
    }

    var outcome: Demo.Outcome {
        Demo.Outcome(timeline: timeline, figures: figures, failures: failures)
    }

    // MARK: - Timeline

    private var timeline: [String] {
        var entries: [(at: Int64, who: String, text: String)] = []
        for (index, speech) in phone.speech.enumerated() {
            entries.append((speech.began, "caller", "begins to speak (utterance \(index + 1))"))
            entries.append((speech.ended, "caller", "stops"))
        }
        for (index, answer) in phone.answers.enumerated() {
            let length = answer.bytes / MuLaw.bytesPerMillisecond
            entries.append((answer.began, "agent", "is heard (answer \(index + 1))"))
            entries.append((answer.ended, "agent", "is silent again, \(length) ms were heard"))
        }
        for clear in phone.clears {
            entries.append((clear.at, "phone", "clears its buffer, \(clear.droppedMilliseconds) ms are dropped"))
        }
        for record in records {
            guard let text = record.timelineText else { continue }
            entries.append((record.at, "server", text))
        }
        return entries.sorted { $0.at < $1.at }.map { entry in
            let milliseconds = max(0, (entry.at - phone.startedAt) / 1_000)
            let fraction = String(milliseconds % 1_000)
            let padded = String(repeating: "0", count: 3 - fraction.count) + fraction
            let seconds = String(milliseconds / 1_000)
            let time = String(repeating: " ", count: max(0, 4 - seconds.count)) + seconds + "." + padded
            return "\(time)  \(entry.who.padding(to: 7))\(entry.text)"
        }
    }

    // MARK: - Figures

    /// Position reported to the model, and what the caller had heard of that answer.
    private var truncation: (reported: Int, heard: Int)? {
        for case .event(.truncated(_, let reported, _)) in records.map(\.kind) {
            guard let answer = phone.answers.first else { return nil }
            return (reported, answer.bytes / MuLaw.bytesPerMillisecond)
        }
        return nil
    }

    /// From the moment the model found speech to the phone's cleared buffer, microseconds.
    private var bargeIn: Int64? {
        let starts = model.compactMap { entry -> Int64? in
            if case .speechStarted(_, let at) = entry { return at }
            return nil
        }
        guard let clear = phone.clears.first, let start = starts.last(where: { $0 <= clear.at }) else { return nil }
        return clear.at - start
    }

    private var figures: [String] {
        var lines: [String] = []
        for (index, pair) in zip(phone.speech, phone.answers).enumerated() {
            let milliseconds = (pair.1.began - pair.0.ended) / 1_000
            if milliseconds >= 0 {
                lines.append(
                    "answer \(index + 1): first sound \(milliseconds) ms after the caller stopped (500 ms closing silence and 150 ms thinking of the simulated model are in it)"
                )
            }
        }
        if let bargeIn { lines.append("interruption: phone silent \(bargeIn / 1_000) ms after the model heard speech") }
        if let truncation {
            lines.append(
                "truncation: told the model \(truncation.reported) ms, the caller had heard \(truncation.heard) ms, error \(truncation.reported - truncation.heard) ms"
            )
        }
        lines.append("most audio ever waiting at the phone: \(phone.queuedMillisecondsHigh) ms")
        return lines
    }

    // MARK: - Verdict

    private var failures: [String] {
        var failures: [String] = []
        if phone.answers.count < 2 { failures.append("the agent answered \(phone.answers.count) times, not twice") }
        if phone.clears.isEmpty { failures.append("the caller's interruption did not clear the phone") }
        if let truncation {
            if abs(truncation.reported - truncation.heard) > Demo.truncationTolerance {
                failures.append("the truncation is off by more than \(Demo.truncationTolerance) ms")
            }
        } else {
            failures.append("the interrupted answer was not truncated")
        }
        for case .truncationRejected(_, _, _, let message) in model {
            failures.append("truncation rejected: \(message)")
        }
        if !phone.invalidMessages.isEmpty {
            failures.append("the phone got invalid messages: \(phone.invalidMessages)")
        }
        guard let end = records.last(where: \.isEnd), case .ended(let reason, _, _) = end.kind else {
            return failures + ["the server did not tell how the call ended"]
        }
        if reason != .callerHungUp { failures.append("the call ended with \(reason.rawValue)") }
        return failures
    }
}

extension CallRecord {
    /// What a timeline shows of this record; nil for what it leaves out.
    fileprivate var timelineText: String? {
        switch kind {
        case .event(.modelServing(_, _, let milliseconds)): "model session ready after \(milliseconds) ms"
        case .event(.interrupted(let interruption)):
            "interrupts the agent: \(interruption.heardMilliseconds) ms heard, \(interruption.droppedMilliseconds) ms dropped"
                + (interruption.talkOverMilliseconds.map { ", both spoke for \($0) ms" } ?? "")
        case .event(.truncated(_, let end, let received)): "truncates the answer at \(end) of \(received) ms"
        case .event(.callerTranscript(_, let text)): "caller: \"\(text)\""
        case .event(.agentTranscript(let transcript)):
            "agent: \"\(transcript.heard)\""
                + (transcript.unheard.isEmpty ? "" : " [unheard: \"\(transcript.unheard)\"]")
        case .event(.turnLatency(let latency)): "answered after \(latency.firstAudioMilliseconds) ms"
        case .ended(let reason, let initiator, _): "call ended: \(reason.rawValue) by \(initiator.rawValue)"
        default: nil
        }
    }
}

extension String {
    fileprivate func padding(to count: Int) -> String {
        self + String(repeating: " ", count: max(1, count - self.count + 1))
    }
}
