import CallBridge
import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// F27: the events of two answers, an interruption and a function call, in an order that no model sends.
    @Suite(.timeLimit(.minutes(3))) struct ShuffledEventTests {
        private typealias Case = ModelEventCase

        /// A small generator with a seed, so that a failure can be repeated.
        private struct Seeded: RandomNumberGenerator {
            var state: UInt64

            mutating func next() -> UInt64 {
                state &+= 0x9E37_79B9_7F4A_7C15
                var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
                return mixed ^ (mixed >> 31)
            }
        }

        private enum Event {
            case text(String)
            case created(response: Int)
            case done(response: Int)
            /// 20 ms of an item's audio; which of them is decided by its place.
            case audio(item: Int)
        }

        private static func answer(_ number: Int) -> [Event] {
            let (item, response) = ("i\(number)", "r\(number)")
            let words =
                #"{"type":"response.output_audio_transcript.delta","response_id":"\#(response)","item_id":"\#(item)","#
                + #""output_index":0,"content_index":0,"delta":"words "}"#
            let end =
                #"{"type":"response.output_audio.done","response_id":"\#(response)","item_id":"\#(item)","#
                + #""output_index":0,"content_index":0}"#
            return [
                .created(response: number), .text(Case.message(item, in: response)), .text(words), .text(words),
                .text(end), .text(Case.call("c\(number)", "find", #"{"key":"a"}"#, in: response)),
                .done(response: number),
            ] + Array(repeating: .audio(item: number), count: 20)
        }

        private static func caller(_ type: String) -> Event {
            .text(#"{"type":"input_audio_buffer.\#(type)","item_id":"u1","audio_start_ms":0,"audio_end_ms":9}"#)
        }

        /// What the model says: everything once, in an order of the seed's. Audio is numbered in the order of its sending,
        /// as a model's audio has no numbers that could be wrong.
        ///
        /// - Returns: The messages, and how many of the audio deltas may be heard at most: those of a response that has
        ///   begun and is not done, and of the newest item.
        private static func texts(seed: UInt64, stream: Int) -> (texts: [String], playable: Int) {
            var random = Seeded(state: seed)
            let all = answer(1) + answer(2) + [caller("speech_started"), caller("speech_stopped"), caller("committed")]
            var sent = [Int: UInt32]()
            var (live, known, newest, playable): (Set<Int>, Set<Int>, Int, Int) = ([], [], 0, 0)
            let texts = all.shuffled(using: &random).map { event in
                switch event {
                case .text(let text): return text
                case .created(let response):
                    live.insert(response)
                    return Case.created("r\(response)")
                case .done(let response):
                    live.remove(response)
                    return Case.done("r\(response)")
                case .audio(let item):
                    if live.contains(item), known.insert(item).inserted { newest = item }
                    if live.contains(item), item == newest { playable += 1 }
                    let counter = sent[item, default: 0]
                    sent[item] = counter + 1
                    let frame = PatternFrame(
                        stream: UInt16(stream),
                        item: UInt16(item),
                        counter: counter,
                        isLoud: true
                    )
                    return Case.delta("i\(item)", in: "r\(item)", Base64.encode(frame.bytes))
                }
            }
            return (texts, playable)
        }

        private func run(_ seed: UInt64, on rig: Rig) async throws {
            let number = 100 + Int(seed)
            let (texts, playable) = Self.texts(seed: seed, stream: number)
            let provider = try RawProvider(
                { connection in
                    connection.serve()
                    connection.sendTexts(texts + [#"{"type":"seen"}"#])
                    // What we say to it comes before we see the end.
                    connection.pause(milliseconds: 500)
                    connection.refuse()
                },
                ProviderCase.refuses
            )
            defer { provider.stop() }
            let (caller, phone) = try await rig.play(number, against: provider)
            let ending = try #require(rig.ending(of: caller.callID), "seed \(seed)")
            #expect(ending.reason == .modelRefused, "seed \(seed)")
            // No audio is lost without a count, and none comes twice or before its turn.
            #expect(ending.stats.deltasIn + ending.stats.deltasLate == 40, "seed \(seed)")
            #expect(ending.stats.malformed == 0, "seed \(seed)")
            // Nothing is heard of what has not begun, is over, or was followed by something newer.
            #expect(ending.stats.deltasIn <= playable, "seed \(seed)")
            let report = phone.report
            #expect(
                report.checks.values.allSatisfy { $0.repeated + $0.reordered + $0.foreign == 0 },
                "seed \(seed): \(report.checks)"
            )
            #expect(report.checks.values.reduce(0) { $0 + $1.frames } <= Int(ending.stats.deltasIn), "seed \(seed)")
            #expect(report.invalidMessages.isEmpty, "seed \(seed)")
            let connection = try #require(await provider.finished(0), "seed \(seed)")
            func said(_ part: String) -> Int { connection.texts.count { $0.contains(part) } }
            for item in ["i1", "i2"] {
                let cuts = connection.texts.filter {
                    $0.contains("conversation.item.truncate") && $0.contains("\"\(item)\"")
                }
                #expect(cuts.count <= 1, "seed \(seed)")
            }
            for call in ["c1", "c2"] { #expect(said(#""call_id":"\#(call)""#) <= 1, "seed \(seed)") }
            #expect(said(Case.asks) <= 4, "seed \(seed)")
            let events = rig.events(of: caller.callID)
            let summaries = events.compactMap { if case .summary(let summary) = $0 { summary } else { nil } }
            #expect(summaries.count == 1 && summaries.first?.counters.unreadableEvents == 0, "seed \(seed)")
        }

        @Test func anyOrderKeepsTheRules() async throws {
            let rig = try await Witness.rig { setup in
                setup.tools.register(ToolDefinition(name: "find", description: "Finds.")) { (_: JSONValue, _) in "found"
                }
            }
            let witness = try await Witness(on: rig, turns: 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<UInt64(48) { group.addTask { try await run(seed, on: rig) } }
                try await group.waitForAll()
            }
            await witness.isUnharmed(turns: 2)
            await rig.stop()
        }
    }
}
