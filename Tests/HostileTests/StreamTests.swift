import CallBridge
import CallPolicy
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// Streams that break the carrier's protocol.
@Suite(.timeLimit(.minutes(3))) struct StreamTests {
    private static func begun(_ id: String, _ texts: (StreamMessages) -> [String]) -> [UInt8] {
        StreamMessages(id).begun(texts(StreamMessages(id)))
    }

    /// A stream whose start is refused.
    private static func refused(
        _ id: String,
        _ what: String,
        _ start: String,
        _ outcome: Outcome,
        _ counters: [Counter: Int]
    ) -> HostileCase {
        HostileCase(id, what, StreamMessages.opened([StreamMessages.connected, start]), outcome, counters)
    }

    /// A call that goes on until we close it.
    private static func call(
        _ id: String,
        _ what: String,
        frames: Int,
        _ counters: [Counter: Int],
        _ texts: (StreamMessages) -> [String]
    ) -> HostileCase {
        .call(id, what, texts(StreamMessages(id)), frames: frames, counters)
    }

    private static let early: [HostileCase] = [
        HostileCase(
            "E2-50",
            "50 frames before start",
            StreamMessages.opened(Array(repeating: StreamMessages("E2-50").media("QUJD"), count: 50))
                + RawBytes.close(1000),
            .close(1000),
            [.order: 50]
        ),
        HostileCase(
            "E2-51",
            "51 frames before start",
            StreamMessages.opened(Array(repeating: StreamMessages("E2-51").media("QUJD"), count: 51)),
            .close(1008),
            [.order: 51, .mediaFloods: 1, .limitCloses: 1]
        ),
        HostileCase("E3", "start before connected", unannounced, .close(1000), [.startsUnannounced: 1]),
        HostileCase(
            "E21-0",
            "stop, key and mark before start",
            StreamMessages.opened(
                ["stop", "dtmf", "mark"].map { StreamMessages("E21-0").message($0, #"{"digit":"1","name":"a"}"#) }
            )
                + RawBytes.close(1000),
            .close(1000),
            [.order: 3]
        ),
    ]

    private static let unannounced =
        StreamMessages.opened([StreamMessages("E3").start(), StreamMessages.connected]) + RawBytes.close(1000)

    private static func starts(_ id: String) -> StreamMessages { StreamMessages(id) }

    private static let missing: [HostileCase] = [
        refused(
            "E5-1",
            "no streamSid",
            starts("E5-1").start().replacing(#""streamSid":"MZ-E5-1""#, with: #""x":1"#),
            .close(1008),
            [.protocolErrors: 1]
        ),
        refused(
            "E5-2",
            "no callSid",
            starts("E5-2").start(#""callSid":"CA-E5-2","#, ""),
            .close(1008),
            [.protocolErrors: 1]
        ),
        refused(
            "E5-3",
            "an empty callSid",
            starts("E5-3").start(#""CA-E5-3""#, #""""#),
            .close(1008),
            [.protocolErrors: 1]
        ),
        refused(
            "E5-4",
            "no accountSid",
            starts("E5-4").start(#""accountSid":"AC1","#, ""),
            .close(1008),
            [.startMessage: 1]
        ),
        refused(
            "E5-5",
            "no mediaFormat",
            starts("E5-5").start("mediaFormat", "other"),
            .close(1008),
            [.startMessage: 1]
        ),
        refused(
            "E5-6",
            "a callSid of 65 bytes",
            starts("E5-6").start("CA-E5-6", String(repeating: "C", count: 65)),
            .close(1000),
            [.json: 1]
        ),
    ].map { hostile in
        var hostile = hostile
        if hostile.outcome == .close(1000) { hostile.bytes += RawBytes.close(1000) }
        return hostile
    }

    private static let formats: [HostileCase] = [
        ("E9-1", "A-law", #""audio/x-mulaw""#, #""audio/x-alaw""#), ("E9-2", "16,000 Hz", "8000", "16000"),
        ("E9-3", "two channels", #""channels":1"#, #""channels":2"#),
        ("E9-4", "no encoding", #""encoding":"audio/x-mulaw","#, ""),
        ("E9-5", "no rate", #""sampleRate":8000,"#, ""),
    ].map { refused($0, $1, StreamMessages($0).start($2, $3), .close(1003), [:]) }

    private static let parameters: [HostileCase] = [
        call("E11-0", "numerals as strings", frames: 0, [:]) { _ in [] },
        HostileCase(
            "E11-1",
            "64 KiB",
            StreamMessages.opened([
                StreamMessages("E11-1").start("{}}", #"{"a":"\#(String(repeating: "a", count: 65_536))"}}"#)
            ]),
            .close(1009),
            [.limitCloses: 1]
        ),
    ]

    private static let streams: [HostileCase] = [
        call("E4-1", "a second start", frames: 1, [.order: 1]) { [$0.start(), $0.media("QUJD")] },
        call("E4-2", "a second start of another stream", frames: 1, [.order: 2]) {
            [StreamMessages("other").start(), StreamMessages("other").media("QUJD"), $0.media("QUJD")]
        },
        call("E10", "the other track", frames: 1, [.mediaOtherTrack: 2]) {
            [$0.media("QUJD", track: "outbound"), $0.media("QUJD"), $0.media("QUJD", track: "outbound")]
        },
        call("E12", "another stream's media", frames: 0, [.order: 1]) { _ in [StreamMessages("other").media("QUJD")] },
        call("E13-1", "a number again, and back", frames: 3, [.sequenceRepeats: 2]) {
            [
                $0.media("QUJD", sequence: #""2""#), $0.media("QUJD", sequence: #""2""#),
                $0.media("QUJD", sequence: #""1""#),
            ]
        },
        call("E13-2", "a jump", frames: 2, [.sequenceGaps: 1]) {
            [$0.media("QUJD", sequence: #""1000001""#), $0.media("QUJD", sequence: #""1000002""#)]
        },
        call("E13-3", "negative and absent", frames: 2, [:]) {
            [$0.media("QUJD", sequence: #""-2""#), $0.media("QUJD")]
        },
        call("E13-4", "no number", frames: 1, [.json: 1]) { [$0.media("QUJD", sequence: #""x""#), $0.media("QUJD")] },
        call("E14-1", "back by an hour", frames: 2, [.timestampFaults: 1]) {
            [$0.media("QUJD", timestamp: #""3600020""#), $0.media("QUJD", timestamp: #""20""#)]
        },
        call("E14-2", "ahead by 2^53, and back", frames: 3, [.timestampFaults: 2]) {
            [
                $0.media("QUJD", timestamp: #""20""#), $0.media("QUJD", timestamp: #""9007199254740992""#),
                $0.media("QUJD", timestamp: #""60""#),
            ]
        },
        call("E14-3", "ahead by 2^63 - 1", frames: 2, [.timestampFaults: 1]) {
            [$0.media("QUJD", timestamp: #""20""#), $0.media("QUJD", timestamp: #""9223372036854775807""#)]
        },
        call("E18-1", "marks that were never sent", frames: 0, [.marksStale: 3]) { stream in
            ["t1:1", "t1:1", ""].map { stream.message("mark", #"{"name":"\#($0)"}"#) }
        },
        call("E18-2", "a name of 65 bytes", frames: 0, [.json: 1]) {
            [$0.message("mark", #"{"name":"\#(String(repeating: "m", count: 65))"}"#)]
        },
        call("E20-1", "keys that no telephone has", frames: 0, [.digitsInvalid: 5]) { stream in
            ["", "12", "x", "E", "\\u0031\\u0032"].map { stream.message("dtmf", #"{"digit":"\#($0)"}"#) }
        },
        call("E25", "events that we do not know", frames: 0, [.unknown: 3]) { stream in
            ["", "dance", "Media"].map { #"{"event":"\#($0)","streamSid":"MZ-\#(stream.name)"}"# }
        },
    ]

    private static let big: [HostileCase] = [
        .call(
            "E18-3",
            "a mark of 1 MiB",
            [StreamMessages("E18-3").message("mark", #"{"name":"\#(String(repeating: "m", count: 1 << 20))"}"#)],
            frames: 0,
            [.limitCloses: 1],
            .close(1009)
        ),
        .call(
            "E25-1",
            "an event of 1 MiB",
            [#"{"event":"\#(String(repeating: "e", count: 1 << 20))"}"#],
            frames: 0,
            [.limitCloses: 1],
            .close(1009)
        ),
    ]

    private static let stops: [HostileCase] = [
        .call("E21-1", "stop", [StreamMessages("E21-1").message("stop")], frames: 0, [:], .close(1000)),
        .call(
            "E21-2",
            "stop twice, and media behind it",
            [StreamMessages("E21-2").media("QUJD")] + ["stop", "stop"].map { StreamMessages("E21-2").message($0) }
                + [StreamMessages("E21-2").media("QUJD")],
            frames: 1,
            [.order: 2],
            .close(1000)
        ),
        .call(
            "E27",
            "a second call on the connection",
            [StreamMessages("E27").message("stop"), StreamMessages("E27b").start()],
            frames: 0,
            [.protocolErrors: 1],
            .close(1008)
        ),
    ]

    @Test func getTheirCodeAndCount() async throws {
        var cases = Self.early + Self.missing + Self.formats + Self.streams + Self.big + Self.stops
        cases.append(Self.parameters[1])
        try await HostileTable.run(cases, turns: 2)
    }
}
