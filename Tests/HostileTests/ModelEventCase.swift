import CallBridge
import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

/// What a model says in a session that serves its call, and what the call must have counted at its end.
struct ModelEventCase: Sendable {
    let name: String
    /// What the model says.
    let texts: [String]
    /// Parts of messages that must come from us behind it, in order.
    var answers: [String] = []
    /// What the model says then.
    var then: [String] = []
    /// The counters of the policy, beside the loss at the end.
    var counters: @Sendable (inout CallCounters) -> Void = { _ in }
    /// Of the core: deltas taken, deltas too late, messages dropped.
    var deltas = (in: 0, late: 0, malformed: 0)
    var reason = EndReason.modelRefused
    /// Looks at the rest.
    var check: @Sendable (CallSummary, RawConnection) -> Void = { _, _ in }

    func run(_ number: Int, on rig: Rig) async throws {
        let (texts, answers, then, isOver) = (texts, answers, then, reason != .modelRefused)
        let provider = try RawProvider(
            { connection in
                connection.serve()
                connection.sendTexts(texts)
                for answer in answers where !connection.expect(answer) { return }
                connection.sendTexts(then)
                if isOver { connection.readToClose() } else { connection.refuse() }
            },
            ProviderCase.refuses
        )
        defer { provider.stop() }
        let (caller, _) = try await rig.play(number, against: provider)
        let ending = try #require(rig.ending(of: caller.callID))
        #expect(ending.reason == reason, "\(name)")
        let connection = try #require(await provider.finished(0))
        #expect(ending.stats.deltasIn == deltas.in, "\(name)")
        #expect(ending.stats.deltasLate == deltas.late, "\(name)")
        #expect(ending.stats.malformed == deltas.malformed, "\(name)")
        let summary = rig.events(of: caller.callID).compactMap { event -> CallSummary? in
            if case .summary(let summary) = event { summary } else { nil }
        }
        try #require(summary.count == 1, "\(name)")
        var expected = CallCounters()
        if !isOver { expected.modelLosses = 1 }
        counters(&expected)
        #expect(summary[0].counters == expected, "\(name)")
        check(summary[0], connection)
    }

    // MARK: What models say

    static func created(_ response: String) -> String {
        #"{"type":"response.created","response":{"id":"\#(response)","status":"in_progress","output":[]}}"#
    }

    static func done(_ response: String, _ status: String = "completed", _ more: String = "") -> String {
        #"{"type":"response.done","event_id":"same","response":{"id":"\#(response)","status":"\#(status)"\#(more)}}"#
    }

    static func failed(_ response: String) -> String {
        done(
            response,
            "failed",
            #","status_details":{"type":"failed","error":{"type":"server_error","code":"server_error","message":"x"}}"#
        )
    }

    static func message(_ item: String, in response: String) -> String {
        #"{"type":"response.output_item.added","response_id":"\#(response)","output_index":0,"#
            + #""item":{"id":"\#(item)","type":"message","status":"in_progress","role":"assistant","content":[]}}"#
    }

    /// 20 ms of audio unless told otherwise.
    static func delta(_ item: String, in response: String, _ audio: String? = nil) -> String {
        let audio = audio ?? String(repeating: "/", count: 212) + "/w=="
        return #"{"type":"response.output_audio.delta","response_id":"\#(response)","item_id":"\#(item)","#
            + #""output_index":0,"content_index":0,"delta":"\#(audio)"}"#
    }

    static func callItem(_ id: String, _ name: String, _ arguments: String) -> String {
        JSONValue.object([
            "id": .string("item_1"), "type": "function_call", "status": "completed", "call_id": .string(id),
            "name": .string(name), "arguments": .string(arguments),
        ]).text
    }

    static func call(_ id: String, _ name: String, _ arguments: String = "{}", in response: String) -> String {
        #"{"type":"response.output_item.done","response_id":"\#(response)","output_index":0,"item":"#
            + callItem(id, name, arguments) + "}"
    }

    static func error(_ code: String) -> String {
        #"{"type":"error","error":{"type":"invalid_request_error","code":"\#(code)","message":"m","event_id":null}}"#
    }

    static let asks = #""type":"response.create""#
}
