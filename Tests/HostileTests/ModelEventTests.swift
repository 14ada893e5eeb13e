import CallBridge
import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// Events of a model that are unknown, out of order, too many or too big: the call goes on until the model's session
    /// ends, and what was wrong is counted exactly.
    @Suite(.timeLimit(.minutes(3))) struct ModelEventTests {
        private typealias Case = ModelEventCase

        private static var names: [ModelEventCase] {
            [
                Case(
                    name: "F2 unknown types, and new fields of known ones",
                    texts: [
                        #"{"type":"x.y"}"#, #"{"type":"session.paused","session":7}"#, #"{"type":"response.thought"}"#,
                        #"{"type":"rate_limits.updated","rate_limits":[],"new":{"deep":[1]}}"#,
                    ],
                    counters: { $0.unknownEvents = 3 }
                ),
                Case(
                    name: "known types without what they need",
                    texts: [
                        #"{"type":"session.updated"}"#, #"{"type":"response.created","response":{"id":"r"}}"#,
                        #"{"type":"input_audio_buffer.speech_started"}"#,
                    ],
                    counters: { $0.unreadableEvents = 3 }
                ),
                Case(
                    name: "no JSON, no object, no type",
                    texts: ["{", "[]", "7", #"{"kind":"x"}"#, #"{"type":null}"#],
                    deltas: (0, 0, 5)
                ),
                Case(
                    name: "F23 ids of 10 KiB",
                    texts: [
                        created(big), Case.created("r1"), Case.delta(big, in: "r1"), Case.message(big, in: "r1"),
                        Case.call(big, "find", in: "r1"),
                    ],
                    counters: { $0.idsOverLimit = 1 },
                    deltas: (0, 0, 3)
                ),
                Case(
                    name: "F23 2,000 items in a response",
                    texts: [Case.created("r1")] + (0..<2_000).map { Case.message("i\($0)", in: "r1") },
                    counters: {
                        $0.itemsOverLimit = 2_000 - 64
                    }
                ),
            ]
        }

        private static let big = String(repeating: "i", count: 10_240)
        private static func created(_ id: String) -> String { Case.created(id) }

        private static var audio: [ModelEventCase] {
            [
                Case(
                    name: "F3 audio of an unknown response",
                    texts: [Case.created("r1"), Case.delta("i1", in: "r9")],
                    deltas: (0, 1, 0)
                ),
                Case(
                    name: "F4 audio before created and after done",
                    texts: [
                        Case.delta("i1", in: "r1"), Case.created("r1"), Case.delta("i1", in: "r1"), Case.done("r1"),
                        Case.delta("i1", in: "r1"),
                    ],
                    deltas: (1, 2, 0)
                ),
                Case(
                    name: "F4 audio of an interrupted response",
                    texts: [
                        Case.created("r1"), Case.message("i1", in: "r1"), Case.delta("i1", in: "r1"),
                        #"{"type":"input_audio_buffer.speech_started","item_id":"u1","audio_start_ms":0}"#,
                        Case.delta("i1", in: "r1"), Case.delta("i2", in: "r1"),
                    ],
                    answers: ["conversation.item.truncate"],
                    counters: {
                        $0.interruptions = 1
                        $0.truncations = 1
                    },
                    deltas: (1, 2, 0)
                ),
                Case(
                    name: "F5 two responses at once: the newer plays",
                    texts: [
                        Case.created("r1"), Case.delta("i1", in: "r1"), Case.created("r2"), Case.delta("i2", in: "r2"),
                        Case.delta("i1", in: "r1"),
                    ],
                    deltas: (2, 1, 0)
                ),
                Case(
                    name: "F6 bad base64, empty audio, 1 MiB",
                    texts: [
                        Case.created("r1"), Case.delta("i1", in: "r1", "A=A="), Case.delta("i1", in: "r1", "===="),
                        Case.delta("i1", in: "r1", ""),
                        Case.delta("i1", in: "r1", String(repeating: "////", count: 1 << 18)),
                    ],
                    deltas: (1, 0, 2)
                ),
                Case(
                    name: "F10 the caller begins to speak, again and again",
                    texts: Array(
                        repeating: #"{"type":"input_audio_buffer.speech_started","item_id":"u1","audio_start_ms":0}"#,
                        count: 5
                    )
                ),
            ]
        }

        private static var errors: [ModelEventCase] {
            [
                Case(
                    name: "F9 errors that ask for nothing",
                    texts: [
                        Case.error("item_truncate_invalid_item_id"), Case.error("response_cancel_not_active"),
                        Case.error("never_heard_of"),
                    ],
                    counters: { $0.modelErrors = 3 }
                ),
                Case(
                    name: "F12 an expired session is left",
                    texts: [Case.error("session_expired")],
                    counters: {
                        $0.modelErrors = 1
                        $0.reconnectAttempts = 1
                        // Its end, told when it was left already.
                        $0.ignoredInputs = 1
                    },
                    check: { _, connection in #expect(connection.closeCode == 1_000) }
                ),
                Case(
                    name: "F19 three failed responses in a row",
                    texts: [Case.created("r1"), Case.failed("r1")],
                    answers: [Case.asks],
                    then: [Case.created("r2"), Case.failed("r2"), Case.created("r3"), Case.failed("r3")],
                    counters: { $0.responsesFailed = 3 },
                    reason: .modelFailed
                ),
                Case(
                    name: "F19 filtered responses in a row",
                    texts: (1...3).flatMap { number in
                        let details = #","status_details":{"type":"incomplete","reason":"content_filter"}"#
                        return [Case.created("r\(number)"), Case.done("r\(number)", "incomplete", details)]
                    },
                    counters: { $0.responsesIncomplete = 3 },
                    reason: .modelFailed
                ),
                Case(
                    name: "F21 and F24 tokens that cannot be, told twice",
                    texts: [
                        Case.created("r1"),
                        Case.done("r1", "completed", usage(1 << 60)), Case.done("r1", "completed", usage(1 << 60)),
                        Case.created("r2"), Case.done("r2", "completed", usage(-5)), Case.created("r3"),
                        Case.done("r3"),
                    ],
                    counters: { $0.ignoredInputs = 1 },
                    check: { summary, _ in
                        #expect(summary.usage.responses == 2)
                        #expect(summary.usage.audioOutput == TokenUsage.countLimit)
                        #expect(summary.usage.costMicrodollars > 0)
                    }
                ),
                Case(
                    name: "F22 1 MiB of a transcript",
                    texts: [
                        #"{"type":"conversation.item.input_audio_transcription.completed","item_id":"u1","content_index":0,"#
                            + #""transcript":"\u001b[31m<b>\u202e"# + String(repeating: "x", count: 1 << 20) + #""}"#
                    ],
                    counters: { $0.textsCut = 1 }
                ),
            ]
        }

        private static func usage(_ count: Int) -> String {
            #","usage":{"total_tokens":\#(count),"input_tokens":\#(count),"output_tokens":\#(count),"#
                + #""output_token_details":{"text_tokens":0,"audio_tokens":\#(count)}}"#
        }

        @Test func whateverAModelSaysIsCounted() async throws {
            let running = Running()
            let rig = try await Witness.rig { setup in
                let parameters: JSONValue = [
                    "type": "object", "properties": ["key": ["type": "string"]], "required": ["key"],
                ]
                let find = ToolDefinition(name: "find", description: "Finds.", parameters: parameters)
                setup.tools.register(find) { (arguments: JSONValue, _) in "found \(arguments["key"]?.stringValue ?? "")"
                }
                setup.tools.register(ToolDefinition(name: "wait", description: "Waits.")) { (_: JSONValue, _) in
                    running.change(by: 1)
                    try await Task.sleep(for: .milliseconds(20))
                    running.change(by: -1)
                    return "waited"
                }
            }
            let witness = try await Witness(on: rig, turns: 2)
            let cases = Self.names + Self.audio + Self.errors + Self.tools
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, one) in cases.enumerated() { group.addTask { try await one.run(100 + index, on: rig) } }
                try await group.waitForAll()
            }
            await witness.isUnharmed(turns: 2)
            #expect(running.most == 4)
            await rig.stop()
        }

        /// How many runs of a tool there are at once.
        private final class Running: Sendable {
            private let state = Locked((now: 0, most: 0))

            var most: Int { state.withLock { $0.most } }

            func change(by step: Int) {
                state.withLock { state in
                    state.now += step
                    state.most = max(state.most, state.now)
                }
            }
        }

        /// F2: names are counted up to a hundred.
        @Test func namesOfUnknownEventsAreBounded() async throws {
            let rig = try await Witness.rig()
            let provider = try RawProvider { connection in
                connection.serve()
                connection.sendTexts((0..<150).map { #"{"type":"new.\#($0)"}"# } + [#"{"type":"new.0"}"#])
                connection.refuse()
            }
            let model = try ModelEndpoint(url: "ws://127.0.0.1:\(provider.port)/", model: "m", key: "")
            let names = Locked<EventNames?>(nil)
            let address = try await rig.listen(model: model) { bridge in names.withLock { $0 = bridge.unknownEvents } }
            let phone = try await rig.call(.pattern(1, [.hangUp(.never)]), at: address)
            await phone.ended()
            let counted = try #require(names.withLock { $0 })
            #expect(counted.counts.count == 100)
            #expect(counted.counts["new.0"] == 2)
            #expect(counted.others == 50)
            provider.stop()
            await rig.stop()
        }
    }
}
