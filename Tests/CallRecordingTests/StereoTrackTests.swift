import Foundation
import TestSupport
import Testing
import Trunk

@testable import CallRecording

/// Where audio ends up in the file.
@Suite struct StereoTrackTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A small window, so that all of its borders are met.
    private static var small: RecordingLimits {
        var limits = RecordingLimits()
        limits.windowMilliseconds = 100
        limits.writeMilliseconds = 20
        limits.settleMilliseconds = 30
        limits.headerMilliseconds = 60
        return limits
    }

    private func record(
        _ limits: RecordingLimits = RecordingLimits(),
        _ body: (inout StereoTrack) -> Void
    ) throws -> Played {
        let opened = try #require(RecordingFolder(folder.path))
        var failure: Int32 = 0
        let name = UUID().uuidString
        let file = try #require(
            RecordingFile(folder: opened.descriptor, callSID: name, names: 1, failure: &failure)
        )
        var track = StereoTrack(file: file, limits: limits)
        body(&track)
        track.finish()
        #expect(file.errors == 0)
        return try #require(Played(folder.file(name + ".wav")))
    }

    private static func take(
        _ track: inout StereoTrack,
        _ kind: TapRecord.Kind,
        at milliseconds: Int,
        _ audio: [UInt8] = []
    ) {
        audio.withUnsafeBytes { track.take(TapRecord(kind: kind, milliseconds: milliseconds), $0) }
        track.writeSettled()
    }

    @Test func theCallerIsOnTheLeftAtTheCarriersTime() throws {
        let times = (0..<300).filter { $0 % 50 != 7 }.map { $0 * 20 + $0 / 100 * 3 }
        let played = try record { track in
            for (index, time) in times.enumerated() { Self.take(&track, .caller, at: time, pattern(index)) }
        }
        var expected = [UInt8](repeating: 0xFF, count: (times.last ?? 0) * 8 + 160)
        for (index, time) in times.enumerated() {
            expected.replaceSubrange(time * 8..<time * 8 + 160, with: pattern(index))
        }
        #expect(same(played.left, expected))
        #expect(played.right.allSatisfy { $0 == 0xFF })
    }

    @Test func clearedAudioEndsWhereItWasHeardLast() throws {
        let played = try record { track in
            for index in 0..<100 { Self.take(&track, .caller, at: index * 20, pattern(index)) }
            // 1 s of an answer from 500 ms on, cut at 733 ms; the next one from 1,200 ms.
            for index in 0..<5 { Self.take(&track, .agent, at: 500 + index * 200, pattern(index, count: 1_600)) }
            Self.take(&track, .clear, at: 733)
            Self.take(&track, .agent, at: 1_200, pattern(9, count: 800))
        }
        let answer = (0..<5).flatMap { pattern($0, count: 1_600) }
        #expect(Array(played.right[..<4_000]).allSatisfy { $0 == 0xFF })
        #expect(Array(played.right[4_000..<5_864]) == Array(answer[..<1_864]))
        #expect(Array(played.right[5_864..<9_600]).allSatisfy { $0 == 0xFF })
        #expect(Array(played.right[9_600..<10_400]) == pattern(9, count: 800))
        #expect(same(played.left, (0..<100).flatMap { pattern($0) }))
    }

    @Test func whatIsClearedAtTheEndIsNoPartOfIt() throws {
        let played = try record { track in
            Self.take(&track, .caller, at: 0, pattern(1))
            Self.take(&track, .agent, at: 20, pattern(2, count: 1_600))
            Self.take(&track, .clear, at: 60)
        }
        #expect(played.left.count == 480)
        #expect(Array(played.right[160...]) == Array(pattern(2, count: 320)))
    }

    /// All at once and a minute ahead, as without a lead: cleared long after it went to the file.
    @Test func aClearReachesBackIntoTheFile() throws {
        let played = try record { track in
            for index in 0..<300 { Self.take(&track, .agent, at: index * 200, pattern(index, count: 1_600)) }
            for index in 0..<500 { Self.take(&track, .caller, at: index * 20, pattern(index)) }
            Self.take(&track, .clear, at: 10_001)
            Self.take(&track, .caller, at: 10_000, pattern(500))
        }
        #expect(same(played.left, (0..<501).flatMap { pattern($0) }))
        let heard = (0..<51).flatMap { pattern($0, count: 1_600) }.prefix(10_001 * 8)
        #expect(same(played.right, Array(heard) + [UInt8](repeating: 0xFF, count: 19 * 8)))
    }

    @Test func timesBeforeTheCallAndBeyondTheLimitAreLeftOut() throws {
        var limits = Self.small
        limits.lengthMilliseconds = 1_000
        let played = try record(limits) { track in
            Self.take(&track, .caller, at: -10, pattern(0))
            Self.take(&track, .agent, at: -1_000, pattern(1))
            Self.take(&track, .clear, at: -1_000)
            Self.take(&track, .agent, at: 990, pattern(2))
            Self.take(&track, .caller, at: 1_000, pattern(3))
            Self.take(&track, .caller, at: .max, pattern(3))
            Self.take(&track, .agent, at: .min, pattern(3))
            let isFull = track.isFull
            #expect(isFull)
        }
        #expect(played.left.count == 8_000)
        #expect(Array(played.left[..<80]) == Array(pattern(0)[80...]))
        #expect(Array(played.right[7_920...]) == Array(pattern(2)[..<80]))
    }

    /// Against two arrays that are as long as the call.
    @Test(arguments: 0..<40) func equalsAModelForAnyRecords(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        var sides = [[UInt8]](repeating: [], count: 2)
        let played = try record(Self.small) { track in
            var now = 0
            for index in 0..<400 {
                now += Int.random(in: 0...(index % 50 == 0 ? 700 : 25), using: &random)
                let side = Int.random(in: 0...1, using: &random)
                let isClear = Int.random(in: 0..<12, using: &random) == 0
                let at = max(0, now + Int.random(in: isClear ? -400...50 : -60...250, using: &random))
                guard !isClear else {
                    Self.take(&track, .clear, at: at)
                    sides[1] = Array(sides[1].prefix(at * 8))
                    continue
                }
                let audio = pattern(index, count: Int.random(in: 0...1_600, using: &random))
                Self.take(&track, side == 0 ? .caller : .agent, at: at, audio)
                if audio.isEmpty { continue }
                let missing = at * 8 + audio.count - sides[side].count
                if missing > 0 { sides[side] += [UInt8](repeating: 0xFF, count: missing) }
                sides[side].replaceSubrange(at * 8..<at * 8 + audio.count, with: audio)
            }
        }
        let count = max(sides[0].count, sides[1].count)
        for side in 0...1 { sides[side] += [UInt8](repeating: 0xFF, count: count - sides[side].count) }
        #expect(same(played.left, sides[0]))
        #expect(same(played.right, sides[1]))
    }
}

/// Numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
