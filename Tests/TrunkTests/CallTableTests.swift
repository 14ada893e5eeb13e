import Testing
import Trunk

/// A full table of calls refuses one more, and takes one again when another has ended.
@Suite(.timeLimit(.minutes(1))) struct CallTableTests {
    @Test func aFullTableRefusesAndRecovers() async throws {
        var configuration = EngineConfiguration()
        configuration.callsMax = 1
        let engine = try CallEngine.start(configuration)
        let world = try CallEngine.start()
        let first = FakeCall()
        let second = FakeCall()
        let third = FakeCall()
        nonisolated(unsafe) var handlers = [third, second, first]
        let port = try await engine.perform { engine in
            try engine.listen(
                ListenAddress(host: "127.0.0.1", port: 0, paths: ["/media"]),
                acceptor: CallOpener(modelPort: 1) { handlers.removeLast() }
            )
        }
        let target = DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/media")
        func dial() async throws -> FakePhone {
            let phone = FakePhone()
            try await world.perform { world in _ = try world.dial(target, handler: phone) }
            return phone
        }
        let kept = try await dial()
        await kept.heard.wait { $0.isOpen }
        let refused = try await dial()
        await refused.heard.wait { $0.ending != nil }
        #expect(refused.heard.value.ending?.code == 1013)
        #expect(second.log.lines.contains("refused a limit is reached"))
        await engine.perform { engine in
            if let call = first.call { engine.endCall(call, code: 1000, reason: "") }
        }
        await kept.heard.wait { $0.ending != nil }
        let taken = try await dial()
        await taken.heard.wait { $0.isOpen }
        #expect(await engine.stats.callsOpen == 1)
        await engine.stop()
        await world.stop()
    }
}
