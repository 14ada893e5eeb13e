import CallBridge
import CallPolicy
import RealtimeProtocol
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// Phones that take their time, take too much of it, or send more than time allows.
@Suite(.timeLimit(.minutes(3))) struct DeadlineTests {
    @Test func headsThatDoNotComeInTime() async throws {
        let rig = try await Witness.rig { $0.engine.headDeadlineMilliseconds = 300 }
        let witness = try await Witness(on: rig)
        let before = await Counter.all(of: rig)
        async let silent = HostileCase("A1", "nothing", [], .dropped).run(port: rig.serverPort)
        async let half = HostileCase("A2", "half", Array("GET / HTTP/1.1\r\nHost".utf8), .http(408)).run(
            port: rig.serverPort
        )
        // However lively the trickle, the time counts from the accept.
        let slow = try RawClient(port: rig.serverPort)
        async let trickle = slow.answer()
        let sent = await slow.sendByteByByte(Array(repeating: 65, count: 20_000), pause: .milliseconds(10))
        #expect(sent < 20_000)
        #expect(Outcome(try await silent) == .dropped)
        #expect(Outcome(try await half) == .http(408))
        #expect(Outcome(await trickle) == .http(408))
        #expect(await Counter.moved(from: before, on: rig) == [.headTimeouts: 3, .upgradesRefused: 2])
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func headsOfOneAddress() async throws {
        let rig = try await Witness.rig {
            $0.engine.headsPerAddressMax = 50
            $0.engine.headDeadlineMilliseconds = 60_000
        }
        let before = await Counter.all(of: rig)
        var open = try (0..<50).map { _ in
            let client = try RawClient(port: rig.serverPort, host: 2)
            client.send("GET / HTTP/1.1\r\n")
            return client
        }
        for _ in 0..<500 {
            let client = try RawClient(port: rig.serverPort, host: 2)
            #expect(await client.readToEnd().isEmpty)
        }
        #expect(await Counter.moved(from: before, on: rig) == [.legsRefusedAddress: 500])
        // Another address is served, and so is this one as soon as a head is whole.
        let witness = try await Witness(on: rig)
        open[0].send("Host: a\r\n\r\n")
        #expect(Outcome(await open[0].answer()) == .http(404))
        await Patience.wait { await rig.server.perform { $0.stats.legsOpen <= 50 && $0.stats.legsAccepted >= 51 } }
        let next = try RawClient(port: rig.serverPort, host: 2)
        next.send(FrameTests.upgrade + RawBytes.close(1000))
        #expect(await next.answer().closeCode == 1000)
        for client in open { client.reset() }
        open = []
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func resetsAtEachByteLeaveNothing() async throws {
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig)
        let before = await Counter.all(of: rig)
        let stream = StreamMessages("A36")
        // Every byte of the head, and (B31) of a frame's header, mask and payload behind it.
        let bytes = FrameTests.upgrade + RawBytes.text(stream.media("QUJD"))
        let start = await rig.server.stats.legsAccepted
        for cut in 0..<FrameTests.upgrade.count + 20 {
            let client = try RawClient(port: rig.serverPort)
            client.send(bytes.prefix(cut))
            client.reset()
        }
        await Patience.wait { await rig.server.perform { $0.stats.legsOpen <= 1 } }
        #expect(await rig.server.stats.legsAccepted - start <= UInt64(FrameTests.upgrade.count + 20))
        #expect(await Counter.moved(from: before, on: rig) == [:])
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func aCallWhoseConnectionBreaksIsLost() async throws {
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig)
        for cut in [1, 4, 7] {
            let stream = StreamMessages("B31-\(cut)")
            let client = try RawClient(port: rig.serverPort)
            client.send(stream.begun([stream.media("QUJD")]) + RawBytes.text(stream.media("QUJD")).prefix(cut))
            await Patience.wait { rig.callRecords.contains { $0.callSID == "CA-B31-\(cut)" } }
            client.reset()
            await rig.waitForEnding(of: "CA-B31-\(cut)")
            #expect(rig.ending(of: "CA-B31-\(cut)")?.reason == .carrierLost)
        }
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func streamsThatDoNotBeginOrFallSilent() async throws {
        let rig = try await Witness.rig {
            $0.call.limits.startMilliseconds = 300
            $0.engine.mediaTimeoutMilliseconds = 300
        }
        let witness = try await Witness(on: rig)
        let before = await Counter.all(of: rig)
        let silent = StreamMessages("E17")
        let foreign = StreamMessages("E17-track")
        // What comes again and again and is no media of the caller's does not count.
        let other = foreign.media("QUJD", track: "outbound")
        async let unsaid = HostileCase("E1", "nothing", FrameTests.upgrade, .close(1008)).run(port: rig.serverPort)
        async let connected = HostileCase(
            "E1",
            "connected",
            StreamMessages.opened([StreamMessages.connected]),
            .close(1008)
        )
        .run(port: rig.serverPort)
        async let quiet = HostileCase("E17", "one frame", silent.begun([silent.media("QUJD")]), .close(1000)).run(
            port: rig.serverPort
        )
        async let track = HostileCase("E17", "another track", foreign.begun([other]), .close(1000)).run(
            port: rig.serverPort
        )
        #expect(try await unsaid.closeCode == 1008)
        #expect(try await connected.closeCode == 1008)
        #expect(try await quiet.closeCode == 1000)
        #expect(try await track.closeCode == 1000)
        #expect(
            await Counter.moved(from: before, on: rig) == [.startTimeout: 2, .mediaTimeouts: 2, .mediaOtherTrack: 1]
        )
        for name in ["CA-E17", "CA-E17-track"] {
            await rig.waitForEnding(of: name)
            #expect(rig.ending(of: name)?.reason == .noMedia)
        }
        await witness.isUnharmed()
        await HostileTable.end(rig)
    }

    @Test func mediaFasterThanTime() async throws {
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig, turns: 2)
        let before = await Counter.all(of: rig)
        // 100 seconds at once: ten are taken, and what the line drains meanwhile.
        let flood = StreamMessages("E16-1")
        let all = try RawClient(port: rig.serverPort)
        all.send(flood.begun(Array(repeating: flood.media(StreamMessages.silence), count: 5_000)))
        #expect(await all.answer().closeCode == 1008)
        await rig.waitForEnding(of: "CA-E16-1")
        let taken = rig.ending(of: "CA-E16-1")?.stats.framesIn ?? 0
        #expect(taken >= 500 && taken < 1_500)
        #expect(rig.ending(of: "CA-E16-1")?.reason == .carrierLost)
        // A byte a message costs as much as 10 ms each.
        let tiny = StreamMessages("E16-2")
        let drops = try RawClient(port: rig.serverPort)
        drops.send(tiny.begun(Array(repeating: tiny.media("QQ=="), count: 5_000)))
        #expect(await drops.answer().closeCode == 1008)
        await rig.waitForEnding(of: "CA-E16-2")
        let pieces = rig.ending(of: "CA-E16-2")?.stats.framesIn ?? 0
        #expect(pieces >= 1_000 && pieces < 3_000)
        // Nine seconds at once are a line that had stalled.
        let stalled = StreamMessages("E16-3")
        let late = try RawClient(port: rig.serverPort)
        late.send(
            stalled.begun(Array(repeating: stalled.media(StreamMessages.silence), count: 450)) + RawBytes.close(1000)
        )
        #expect(await late.answer().closeCode == 1000)
        #expect(await Counter.moved(from: before, on: rig) == [.mediaFloods: 2, .limitCloses: 2])
        await witness.isUnharmed(turns: 2)
        await HostileTable.end(rig)
    }

    @Test func aCallByteByByteIsTheSameCall() async throws {
        let rig = try await Witness.rig()
        let witness = try await Witness(on: rig, turns: 2)
        let before = await Counter.all(of: rig)
        let stream = StreamMessages("B29")
        let client = try RawClient(port: rig.serverPort)
        async let answer = client.answer()
        let bytes = stream.begun([stream.media("QUJD"), stream.media("QUJE")]) + RawBytes.close(1000)
        await client.sendByteByByte(bytes, pause: .milliseconds(1))
        #expect(await answer.closeCode == 1000)
        await rig.waitForEnding(of: "CA-B29")
        #expect(rig.ending(of: "CA-B29")?.stats.framesIn == 2)
        #expect(await Counter.moved(from: before, on: rig) == [:])
        await witness.isUnharmed(turns: 2)
        await HostileTable.end(rig)
    }
}
