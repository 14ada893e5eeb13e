import CallPolicy
import Trunk

extension Settings {
    mutating func readCall(_ reader: inout SettingsReader, prompt: String?) {
        call.session.voice = reader.choice("VOICE", Self.voices) ?? compat.voice
        call.session.instructions = prompt ?? Self.defaultInstructions
        if let greeting = reader.text("GREETING") { call.greeting = .agentFirst(.instructions(greeting)) }
        call.tools.parallelLimit = reader.number("TOOLS_AT_ONCE", 1...32) ?? call.tools.parallelLimit
        call.tools.callsMaximum = reader.number("TOOLS_PER_CALL", 1...10_000) ?? call.tools.callsMaximum
        call.rotation.afterMilliseconds =
            reader.seconds("ROTATE_AFTER", 1...3_480) ?? call.rotation.afterMilliseconds
        call.tools.offersEndCall = reader.flag("OFFER_END_CALL") ?? call.tools.offersEndCall
        call.limits.durationMilliseconds =
            reader.seconds("CALL_SECONDS_MAX", 10...14_400) ?? call.limits.durationMilliseconds
        if let words = reader.text("CALL_ENDS_SOON") {
            // A call too short for a warning has none.
            let before = min(30_000, call.limits.durationMilliseconds / 3)
            call.limits.durationWarning = .init(beforeMilliseconds: before, text: .exactly(words))
        }
        call.limits.costMicrodollars = reader.dollars("COST_PER_CALL")
        if let words = reader.text("GOODBYE") { call.goodbye.words = .exactly(words) }
        readReconnect(&reader)
    }

    private mutating func readReconnect(_ reader: inout SettingsReader) {
        var policy = call.reconnect
        policy.maximumAttempts = reader.number("RECONNECT_MAX_ATTEMPTS", 1...100) ?? policy.maximumAttempts
        policy.initialDelayMilliseconds =
            reader.seconds("RECONNECT_INITIAL_DELAY", 0.1...60) ?? policy.initialDelayMilliseconds
        policy.maximumDelayMilliseconds =
            reader.seconds("RECONNECT_MAX_DELAY", 0.1...3_600) ?? policy.maximumDelayMilliseconds
        policy.outageBudgetMilliseconds =
            reader.seconds("RECONNECT_BUDGET", 1...3_600) ?? policy.outageBudgetMilliseconds
        if policy.initialDelayMilliseconds > policy.maximumDelayMilliseconds {
            reader.problems.append(
                "RECONNECT_INITIAL_DELAY: \(Self.seconds(policy.initialDelayMilliseconds)) s is more than "
                    + "RECONNECT_MAX_DELAY, \(Self.seconds(policy.maximumDelayMilliseconds)) s"
            )
        }
        if reader.flag("AUTO_RECONNECT") == false { policy.maximumAttempts = 0 }
        call.reconnect = policy
    }

    mutating func readEngine(_ reader: inout SettingsReader) {
        if reader.text("LEAD_MS") == "0" {
            engine.leadMilliseconds = 0
        } else {
            // Less than three frames would let the phone run dry between two of them.
            engine.leadMilliseconds = reader.number("LEAD_MS", 60...10_000) ?? engine.leadMilliseconds
        }
        engine.appendMilliseconds = reader.number("APPEND_MS", 20...200) ?? engine.appendMilliseconds
        // The system spreads connections over the loops unevenly: each could hold them all, the sum is watched over.
        engine.callsMax = callsMax
        // A call has a phone and a model, two models for a moment; upgrades that are not answered yet come on top.
        // So do requests that are not handed over yet, and viewers.
        engine.legsMax = callsMax * 3 + 1_000 + viewersMax
    }

    /// Voices of the Realtime API.
    static let voices: [(name: String, value: String)] = [
        "alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse",
    ].map { ($0, $0) }

    static let defaultInstructions =
        "You are a friendly assistant on the telephone. Answer briefly, in the language of the caller."

    /// Milliseconds as seconds, without a fraction of nothing.
    static func seconds(_ milliseconds: Int) -> String {
        milliseconds % 1_000 == 0 ? String(milliseconds / 1_000) : String(Double(milliseconds) / 1_000)
    }
}
