import CallBridge
import Testing
import Trunk

@testable import CallServer

/// What those who listen get: in time, without what was taken back. And parts of files.
@Suite struct HearingTests {
    private static func frame(_ milliseconds: Int = 20) -> [UInt8] { [UInt8](repeating: 1, count: milliseconds * 8) }

    @Test func theAgentIsHeardWhenThePhonePlaysIt() {
        var hearing = Hearing()
        hearing.take(TapRecord(kind: .agent, milliseconds: 100), Self.frame(200))
        hearing.take(TapRecord(kind: .agent, milliseconds: 300), Self.frame(200))
        hearing.take(TapRecord(kind: .caller, milliseconds: 60), Self.frame())
        #expect(hearing.give().pieces.map(\.milliseconds) == [60])
        hearing.take(TapRecord(kind: .caller, milliseconds: 80), Self.frame())
        #expect(hearing.give().pieces.map(\.milliseconds) == [80, 100])
        // The caller interrupts: what was to come is never heard.
        hearing.take(TapRecord(kind: .clear, milliseconds: 320), [])
        hearing.take(TapRecord(kind: .caller, milliseconds: 900), Self.frame())
        let last = hearing.give().pieces
        #expect(last.map(\.milliseconds) == [900, 300] && last.last?.audio.count == 20 * 8)
    }

    @Test func whatWaitsIsBounded() {
        var hearing = Hearing()
        for second in 0..<60 { hearing.take(TapRecord(kind: .agent, milliseconds: second * 1_000), Self.frame(1_000)) }
        #expect(hearing.give().pieces.count >= 49)
    }

    @Test func piecesSayWhoseTheyAreAndWhen() {
        let piece = Hearing.Piece(isAgent: true, milliseconds: 0x0102_0304, audio: [9, 8])
        #expect(piece.message == [1, 1, 2, 3, 4, 9, 8])
        var hearing = Hearing()
        #expect(hearing.give().levels == #"{"type":"levels","caller":0.0,"agent":0.0}"#)
    }

    @Test(
        arguments: [
            ("bytes=0-3", 0..<4), ("bytes=4-", 4..<10), ("bytes=-3", 7..<10), ("bytes=-30", 0..<10),
            ("bytes=5-99", 5..<10),
            ("bytes=10-", 10..<10), ("bytes=0-1,3-4", nil), ("bytes=3-1", nil), ("bytes=a-b", nil), ("bytes=-", nil),
            ("items=0-3", nil), ("", nil),
        ] as [(String, Range<Int>?)]
    )
    func rangesOfBytes(header: String, range: Range<Int>?) {
        #expect(ByteRange.parse(header, size: 10) == range)
    }

    @Test(
        arguments: [
            ("2026-11-26", 1_795_651_200_000), ("2026-11-26T00:00:01Z", 1_795_651_201_000),
            ("2026-11-26T00:00:01.25Z", 1_795_651_201_250), ("2026-11-26T01:00:00+01:00", 1_795_651_200_000),
            ("2026-13-01", nil), ("26.11.2026", nil), ("", nil), ("2026-11-26T00:00", nil),
        ] as [(String, Int64?)]
    )
    func times(text: String, milliseconds: Int64?) { #expect(UnixTime.parse(text) == milliseconds) }
}
