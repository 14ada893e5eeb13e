import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// A38 and L1: the system has no descriptor left. The limit is real, and the server a process of its own.
@Suite(.timeLimit(.minutes(3))) struct DescriptorTests {
    /// Descriptors of the server: some thirty are its own, with a call.
    private static let limit = 64
    /// More than that.
    private static let crowd = 80

    @Test func withoutDescriptorsCallsGoOnAndNewOnesAreRefused() async throws {
        let rig = try await Witness.rig { $0.isSecure = false }
        guard let server = try ServerProcess(model: rig, descriptors: Self.limit) else { return await rig.stop() }
        let metrics = try MetricsConnection(port: server.port)
        let before = await metrics.read()
        #expect(before["accept_failures"] == 0)
        let witness = try await Witness(on: rig, at: server.address, turns: 3)
        await Patience.wait { await metrics.read()["legs_open", default: 0] >= 2 }
        // Viewers of the logs: open connections that stay.
        let viewers = try (0..<Self.crowd).map { _ in
            let client = try RawClient(port: server.port)
            client.send(RawBytes.upgrade(to: "/ws/logs").replacing("localhost", with: "127.0.0.1"))
            return client
        }
        let statuses = await withTaskGroup(of: Int?.self) { group in
            for viewer in viewers {
                group.addTask { RawAnswer(await viewer.read { RawAnswer($0).status != nil }).status }
            }
            return await group.reduce(into: [Int?: Int]()) { $0[$1, default: 0] += 1 }
        }
        // Who is let in is answered, and whoever is not is told so: nobody is left waiting.
        let (open, refused) = (statuses[101] ?? 0, statuses[503] ?? 0)
        #expect(open > 10 && refused > 10 && open + refused == Self.crowd, "\(statuses)")
        let full = await metrics.read()
        // One try for each that was refused, since each gets the spare descriptor for as long as that takes.
        let failures = try #require(full["accept_failures"])
        #expect(failures >= refused && failures <= refused + 2, "\(failures)")
        // It does not spin: between two tries it rests, and a turn is made for what is heard.
        let turns = try #require(full["turns"]) - (before["turns"] ?? 0)
        #expect(turns < 20_000, "\(turns)")
        let late = try await rig.call(.pattern(20, [.hangUp(.never)]), at: server.address)
        await late.ended()
        #expect(late.report.ending == "1006 refused: Service Unavailable")
        for viewer in viewers { viewer.reset() }
        await Patience.wait { await metrics.read()["legs_open", default: 9] <= 2 }
        // By itself it takes calls again.
        let next = try await Witness(on: rig, number: 21, at: server.address)
        await next.isUnharmed()
        await witness.isUnharmed(turns: 3)
        #expect(server.stop())
        await rig.stop()
    }
}
