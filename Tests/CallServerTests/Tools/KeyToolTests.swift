import Foundation
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

@testable import CallServer

@Suite(.timeLimit(.minutes(1)))
struct KeyToolTests {
    private static let low = [697.0, 770, 852, 941]
    private static let high = [1_209.0, 1_336, 1_477, 1_633]
    private static let layout = Array("123A456B789C*0#D")

    /// The keys in a piece of audio, found as a receiver does: by the strongest row and column of each sound.
    static func keys(in audio: [UInt8]) -> String {
        var found = ""
        var wasLoud = false
        for start in stride(from: 0, to: audio.count - 159, by: 160) {
            let samples = MuLaw.decode(Array(audio[start..<start + 160]))
            let isLoud = samples.contains { abs(Int($0)) > 8_000 }
            defer { wasLoud = isLoud }
            guard isLoud, !wasLoud else { continue }
            // The frame behind the edge is surely a whole one.
            let next = start + 160
            guard next + 160 <= audio.count else { continue }
            let whole = MuLaw.decode(Array(audio[next..<next + 160]))
            let row = low.indices.max { power(whole, low[$0]) < power(whole, low[$1]) }!
            let column = high.indices.max { power(whole, high[$0]) < power(whole, high[$1]) }!
            // Both tones hold the power of the sound, or it is none of a key.
            let all = whole.reduce(0.0) { $0 + Double($1) * Double($1) } / 160
            guard (power(whole, low[row]) + power(whole, high[column])) / all > 0.9 else { continue }
            found.append(layout[row * 4 + column])
        }
        return found
    }

    /// The mean square of the part of a frame that has this frequency.
    private static func power(_ samples: [Int16], _ frequency: Double) -> Double {
        var (real, imaginary) = (0.0, 0.0)
        for (index, sample) in samples.enumerated() {
            let turn = 2 * Double.pi * frequency * Double(index) / 8_000
            real += Double(sample) * cos(turn)
            imaginary += Double(sample) * sin(turn)
        }
        let count = Double(samples.count)
        return (real * real + imaginary * imaginary) * 2 / (count * count)
    }

    @Test func everyKeyHasItsTwoTones() throws {
        let audio = try KeyTones.keys.flatMap { try #require(KeyTones.audio($0)) }
        #expect(Self.keys(in: audio) == KeyTones.keys)
        #expect(KeyTones.audio("E") == nil)
    }

    @Test func theAgentPressesKeysThatTheLineHears() async throws {
        let server = try await ServerFixture(
            ["OFFER_KEYS": "yes"],
            model: { $0.toolCalls = [.init(turn: 1, name: "send_dtmf", arguments: #"{"digits":"0123456789*#"}"#)] }
        )
        var script = PhoneScript.pattern(1, [.speakPattern(milliseconds: 500), .pause(milliseconds: 60_000)])
        script.recordsAudio = true
        let outcome = try await server.call(script)
        let path = "/calls/\(script.callID)"
        _ = try await server.ask(path) { $0.text.contains(#""outcome":"succeeded""#) }
        _ = try await server.ask("POST", path + "/hangup")
        await outcome.ended()
        #expect(Self.keys(in: outcome.report.heard).hasPrefix("0123456789*#"))
        await server.stop()
    }

    @Test func keysAreOfferedWhenAskedFor() async throws {
        let server = try await ServerFixture()
        #expect(!(try await server.ask("GET", "/tools").text.contains("send_dtmf")))
        await server.stop()
    }
}
