import Testing
import Trunk

@testable import CallServer

/// How much may wait for somebody who watches.
@Suite struct ViewerTests {
    /// How everything stands may be larger than what else may wait: many calls are no fault of the viewer's.
    @Test func aLargeSnapshotIsNoSlowness() async throws {
        let engine = try CallEngine.start()
        let leg = try await engine.perform {
            try $0.dial(DialTarget(host: "127.0.0.1", port: 9, isSecure: false, target: "/"), handler: Nobody())
        }
        let large = [UInt8](repeating: 0x20, count: Viewer.queueBytesMax + 100_000)
        #expect(Viewer(engine, leg, Viewer.Wish()).tell(large, isFirst: true))
        #expect(!Viewer(engine, leg, Viewer.Wish()).tell(large))
        await engine.stop()
    }

    private final class Nobody: LegHandler {
        func opened(_ leg: LegID, on engine: isolated CallEngine) {}
        func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}
        func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}
        func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {}
    }
}
