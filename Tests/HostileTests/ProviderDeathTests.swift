import CallBridge
import CallPolicy
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// K13: the model's process is killed with a hundred calls up.
    @Suite(.timeLimit(.minutes(3))) struct ProviderDeathTests {
        private static let calls = 100
        /// Dials at once, and then a second.
        private static let (burst, perSecond) = (10, 50)

        @Test func allCallsNoticeAndComeBackAtABoundedRate() async throws {
            var setup = Rig.Setup()
            setup.call.reconnect.initialDelayMilliseconds = 500
            let rig = try await Rig(setup)
            let rate = ConnectRate(perSecond: Self.perSecond, burst: Self.burst)
            let model = try ModelEndpoint(
                url: "wss://localhost:\(rig.modelAddress)\(ModelSimulator.path)",
                model: "m",
                key: "sk-simulated",
                authorityFile: rig.authorityFile
            )
            let address = try await rig.listen(model: model) { $0.connectRate = rate }
            var phones: [PhoneSimulator.Outcome] = []
            for number in 1...Self.calls {
                var script = PhoneScript.pattern(number, [.hangUp(.never)])
                script.frameInterval = 200
                phones.append(try await rig.call(script, at: address))
            }
            func moments(_ matches: (CallEvent) -> Bool) -> [Int64] {
                rig.callRecords.compactMap { record in
                    if case .event(let event) = record.kind, matches(event) { record.at } else { nil }
                }
            }
            func serving() -> [Int64] { moments { if case .modelServing = $0 { true } else { false } } }
            await Patience.wait { serving().count >= Self.calls }
            // Beyond the burst, each dial waits for its moment.
            #expect(rate.delayed >= Self.calls / 2)
            let killedAt = await rig.server.perform { $0.nowMicroseconds }
            await rig.stopModel()
            try await rig.startModel()
            await Patience.wait { serving().count >= 2 * Self.calls }
            let lost = moments { if case .modelLost(_, _, true) = $0 { true } else { false } }
            #expect(lost.count == Self.calls)
            #expect(lost.allSatisfy { $0 - killedAt < 2_000_000 })
            let back = serving().suffix(Self.calls)
            let least = Int64(Self.calls - Self.burst) * 1_000_000 / Int64(Self.perSecond)
            #expect(try #require(back.max()) - (lost.min() ?? 0) >= least * 9 / 10)
            #expect(rig.callRecords.allSatisfy { if case .ended = $0.kind { false } else { true } })
            #expect(await rig.server.stats.callsOpen == UInt64(Self.calls))
            await rig.stop()
            _ = phones
        }
    }
}
