import Testing
import Trunk

@testable import Simulators

/// The phone's buffer: the truth that truncation is measured against.
@Suite struct PlaybackBufferTests {
    private func audio(_ milliseconds: Int) -> [UInt8] { [UInt8](repeating: 1, count: milliseconds * 8) }

    @Test func playsAtOneSecondASecondAndStopsWhenDry() {
        var buffer = PlaybackBuffer()
        _ = buffer.advance(to: 0)
        buffer.append(audio(100))
        #expect(buffer.advance(to: 30_000).bytes.count == 30 * 8)
        #expect(buffer.advance(to: 30_125).bytes.count == 1)
        #expect(buffer.advance(to: 500_000).bytes.count == 70 * 8 - 1)
        // A dry buffer does not save up time.
        buffer.append(audio(100))
        #expect(buffer.advance(to: 510_000).bytes.count == 10 * 8)
        #expect(buffer.queuedBytes == 90 * 8)
    }

    @Test func reachesMarksWhenTheAudioBeforeThemWasPlayed() {
        var buffer = PlaybackBuffer()
        _ = buffer.advance(to: 1_000)
        buffer.append(mark: "empty")
        #expect(buffer.advance(to: 1_000).marks.map(\.name) == ["empty"])
        buffer.append(audio(20))
        buffer.append(mark: "a")
        buffer.append(audio(20))
        buffer.append(mark: "b")
        #expect(buffer.nextMark == 21_000)
        let first = buffer.advance(to: 25_000)
        #expect(first.marks.map(\.name) == ["a"])
        #expect(first.marks.map(\.at) == [21_000])
        #expect(buffer.advance(to: 60_000).marks.map(\.at) == [41_000])
    }

    @Test func clearForgetsTheAudioAndGivesBackTheMarks() {
        var buffer = PlaybackBuffer()
        _ = buffer.advance(to: 0)
        buffer.append(audio(200))
        buffer.append(mark: "a")
        buffer.append(audio(200))
        buffer.append(mark: "b")
        #expect(buffer.advance(to: 50_000).marks.isEmpty)
        #expect(buffer.clear() == ["a", "b"])
        #expect(buffer.queuedBytes == 0)
        #expect(buffer.advance(to: 900_000).bytes.isEmpty)
    }
}

@Suite struct PatternAudioTests {
    @Test func framesCarryTheirNumbers() throws {
        for isLoud in [true, false] {
            let frame = PatternFrame(stream: 517, item: 3, counter: 70_000, isLoud: isLoud)
            #expect(PatternFrame(frame.bytes) == frame)
            #expect((MuLaw.level(frame.bytes).rms > 600) == isLoud)
        }
        #expect(PatternFrame([UInt8](repeating: MuLaw.silence, count: 160)) == nil)
        var damaged = PatternFrame(stream: 1, item: 1, counter: 1, isLoud: true).bytes
        damaged[100] ^= 1
        #expect(PatternFrame(damaged) == nil)
    }

    @Test func theCheckTellsEachFault() {
        func check(_ counters: [UInt32]) -> PatternCheck {
            var check = PatternCheck()
            for counter in counters {
                check.take(PatternFrame(stream: 1, item: 0, counter: counter, isLoud: false), stream: 1)
            }
            return check
        }
        #expect(check([0, 1, 2, 3]).isPerfect)
        #expect(check([0, 1, 3]).lost == 1)
        #expect(check([0, 1, 1, 2]).repeated == 1)
        #expect(check([0, 2, 1, 3]).reordered == 1)
        var other = PatternCheck()
        other.take(PatternFrame(stream: 2, item: 0, counter: 0, isLoud: false), stream: 1)
        #expect(other.foreign == 1)
    }
}
