import Testing
import Trunk

/// What must hold when things end at the wrong moment.
@Suite(.serialized) struct LifeCycleTests {
    @Test func nothingOutlivesAnEngine() async throws {
        for _ in 0..<100 {
            weak var weakEngine: CallEngine?
            do {
                let engine = try CallEngine.start()
                weakEngine = engine
                let log = Log()
                try await engine.perform { engine in
                    let port = try engine.listen(
                        ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"]),
                        acceptor: AcceptAll { Recorder("server", log) })
                    _ = try engine.dial(
                        DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/"),
                        handler: Recorder("client", log))
                }
                await log.wait(for: "server opened")
                await engine.stop()
            }
            // The thread drops its last reference just after it has told us.
            #expect(weakEngine == nil)
        }
    }
}
