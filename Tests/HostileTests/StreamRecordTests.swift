import CallBridge
import CallPolicy
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// What is written down of odd streams, and what two of them may not share.
@Suite(.timeLimit(.minutes(3))) struct StreamRecordTests {
    @Test func aForeignFormatIsWrittenDown() async throws {
        let rig = try await Witness.rig()
        let client = try RawClient(port: rig.serverPort)
        client.send(StreamMessages.opened([StreamMessages("E9").start("8000", "16000")]))
        #expect(await client.answer().closeCode == 1003)
        await rig.waitForEnding(of: "CA-E9")
        #expect(rig.ending(of: "CA-E9")?.reason == .formatMismatch)
        #expect(rig.modelLog.connections == 0)
        await HostileTable.end(rig)
    }

    @Test func parametersAreKeptWithinTheirLimits() async throws {
        let many = (0..<1_000).map { #""p\#($0)":"v""# }.joined(separator: ",")
        let html = #"<b onclick=\"x()\">\r\n"#
        let cases: [(name: String, parameters: String, kept: [String: String], dropped: Int)] = [
            ("many", many, Dictionary(uniqueKeysWithValues: (0..<64).map { ("p\($0)", "v") }), 936),
            (
                "long",
                #""a":"\#(String(repeating: "a", count: 4_096))","b":"\#(String(repeating: "b", count: 4_095))""#,
                ["b": String(repeating: "b", count: 4_095)], 1
            ),
            ("odd", #""a":"\#(html)","b":1"#, ["a": "<b onclick=\"x()\">\r\n"], 1),
        ]
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig)
        for (name, parameters, kept, dropped) in cases {
            let stream = StreamMessages(name)
            let client = try RawClient(port: rig.serverPort)
            client.send(
                StreamMessages.opened([
                    stream.start(#""customParameters":{}"#, #""customParameters":{\#(parameters)}"#),
                    stream.message("stop"),
                ])
            )
            #expect(await client.answer().closeCode == 1000)
            await rig.waitForEnding(of: "CA-\(name)")
            let events = rig.events(of: "CA-\(name)")
            #expect(
                events.contains { if case .started(let start) = $0 { start.parameters == kept } else { false } },
                "\(name)"
            )
            #expect(
                events.contains {
                    if case .summary(let summary) = $0 { summary.counters.parametersDropped == dropped } else { false }
                },
                "\(name)"
            )
        }
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func keysAreForwardedUpToTheirRate() async throws {
        let rig = try await Witness.rig()
        let before = await Counter.all(of: rig)
        let stream = StreamMessages("E20")
        let client = try RawClient(port: rig.serverPort)
        let keys = Array("0123456789*#ABCD") + Array(repeating: Character("1"), count: 84)
        client.send(stream.begun(keys.map { stream.message("dtmf", #"{"digit":"\#($0)"}"#) }) + RawBytes.close(1000))
        #expect(await client.answer().closeCode == 1000)
        await rig.waitForEnding(of: "CA-E20")
        let told = rig.events(of: "CA-E20").compactMap { if case .keys(let keys) = $0 { keys } else { nil } }
        // `#` ends an input; what follows it waits for its end, and the call was over before.
        #expect(told == ["0123456789*"])
        #expect(await Counter.moved(from: before, on: rig) == [.digitsOver: 80])
        await HostileTable.end(rig)
    }

    @Test func aStreamInProgressIsNotOpenedTwice() async throws {
        // However long the others take, the first stays.
        let rig = try await Witness.rig { $0.engine.mediaTimeoutMilliseconds = 600_000 }
        let witness = try await Witness(on: rig)
        let stream = StreamMessages("E26")
        let first = try RawClient(port: rig.serverPort)
        first.send(stream.begun([stream.media("QUJD")]))
        await Patience.wait {
            await rig.server.stats.carrierFramesIn > 0 && rig.callRecords.contains { $0.callSID == "CA-E26" }
        }
        let before = await Counter.all(of: rig)
        for start in [stream.start(), stream.start("CA-E26", "CA-other"), stream.start("MZ-E26", "MZ-other")] {
            let second = try RawClient(port: rig.serverPort)
            second.send(StreamMessages.opened([StreamMessages.connected, start]))
            #expect(await second.answer().closeCode == 1008)
        }
        #expect(await Counter.moved(from: before, on: rig) == [.duplicate: 3])
        first.send(RawBytes.text(stream.media("QUJD")) + RawBytes.close(1000))
        #expect(await first.answer().closeCode == 1000)
        await rig.waitForEnding(of: "CA-E26")
        #expect(rig.ending(of: "CA-E26")?.stats.framesIn == 2)
        // Its ids are free again.
        let third = try RawClient(port: rig.serverPort)
        third.send(stream.begun([]) + RawBytes.close(1000))
        #expect(await third.answer().closeCode == 1000)
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }
}
