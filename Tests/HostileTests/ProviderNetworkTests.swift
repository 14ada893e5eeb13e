import CallBridge
import CallPolicy
import Foundation
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// Names, addresses and connections that do not work, and a model that dies under many calls.
    @Suite(.timeLimit(.minutes(3))) struct ProviderNetworkTests {
        private func endpoint(_ host: String, _ port: Int) throws -> ModelEndpoint {
            try ModelEndpoint(url: "ws://\(host):\(port)/", model: "m", key: "sk-hostile")
        }

        /// A call to a bridge with two dials, until its end.
        private func call(
            _ model: ModelEndpoint,
            _ number: Int,
            on rig: Rig,
            _ change: (inout BridgeConfiguration) -> Void = { _ in }
        ) async throws -> (reason: EndReason, losses: [LegClose], counters: CallCounters) {
            let address = try await rig.listen(model: model) { bridge in
                bridge.call.reconnect.setupDelaysMilliseconds = [10]
                change(&bridge)
            }
            let caller = PhoneScript.pattern(number, [.hangUp(.never)])
            let phone = try await rig.call(caller, at: address)
            await phone.ended()
            await rig.waitForEnding(of: caller.callID)
            var losses: [LegClose] = []
            var counters = CallCounters()
            for event in rig.events(of: caller.callID) {
                if case .modelLost(_, let close, _) = event { losses.append(close) }
                if case .summary(let summary) = event { counters = summary.counters }
            }
            return (try #require(rig.ending(of: caller.callID)).reason, losses, counters)
        }

        /// K1 and K4: no such name, a port that refuses, a port that takes no connection, RST in the handshake.
        @Test func whatCannotBeReachedIsGivenUp() async throws {
            let rig = try await Witness.rig { setup in
                setup.engine.connectDeadlineMilliseconds = 400
                setup.engine.dialDeadlineMilliseconds = 3_000
            }
            let before = await rig.server.stats
            let witness = try await Witness(on: rig)
            // Nobody listens there any more.
            let (closed, closedPort) = try RawProvider.listen()
            close(closed)
            let refused = try await call(endpoint("127.0.0.1", closedPort), 1, on: rig)
            #expect(refused.reason == .modelUnreachable)
            #expect(refused.losses.map(\.cause) == [.connectFailed, .connectFailed])
            let reset = try RawProvider { connection in
                connection.readHead()
                connection.reset()
            }
            let broken = try await call(endpoint("127.0.0.1", reset.port), 2, on: rig)
            #expect(broken.reason == .modelUnreachable)
            #expect(broken.losses.map(\.cause) == [.transportLost, .transportLost])
            #expect(reset.connections.count == 2)
            reset.stop()
            let unknown = try await call(endpoint("nonexistent.invalid", 443), 3, on: rig)
            #expect(unknown.reason == .modelUnreachable)
            #expect(unknown.losses.count == 2)
            let allowed: Set<LegClose.Cause> = [.connectFailed, .timedOut]
            #expect(Set(unknown.losses.map(\.cause)).isSubset(of: allowed))
            await witness.isUnharmed()
            let after = await rig.server.stats
            #expect(after.legsDialled - before.legsDialled == 7)
            await rig.stop()
        }

        /// K4: packets that nobody answers. A listener whose queue is full does not answer; where the system answers all the
        /// same, the upgrade's deadline ends it.
        @Test func aConnectionThatIsNotAnsweredIsGivenUp() async throws {
            let rig = try await Witness.rig { setup in
                setup.engine.connectDeadlineMilliseconds = 400
                setup.engine.answerDeadlineMilliseconds = 400
            }
            let before = await rig.server.stats
            let witness = try await Witness(on: rig)
            let hole = try BlackHole()
            let silent = try await call(endpoint("127.0.0.1", hole.port), 1, on: rig)
            #expect(silent.reason == .modelUnreachable)
            #expect(silent.losses.count == 2)
            await witness.isUnharmed()
            let after = await rig.server.stats
            #expect(after.dialTimeouts - before.dialTimeouts == 2)
            await rig.stop()
        }

        /// F1: a session that opens and says nothing, or does not answer its configuration, is tried once more.
        @Test(arguments: [false, true]) func aSilentSessionIsTriedOnceMore(speaks: Bool) async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            let provider = try RawProvider { connection in
                connection.upgrade()
                if speaks { connection.sendTexts([RawConnection.sessionCreated]) }
                connection.readToClose()
            }
            let ended = try await call(endpoint("127.0.0.1", provider.port), 1, on: rig) { bridge in
                bridge.call.reconnect.sessionCreatedTimeoutMilliseconds = 300
                bridge.call.reconnect.sessionUpdatedTimeoutMilliseconds = 300
                bridge.call.reconnect.setupDelaysMilliseconds = [10, 10, 10]
            }
            #expect(ended.reason == .modelUnreachable)
            #expect(ended.counters.silentSessions == 2)
            #expect(
                ended.losses.map(\.reason) == Array(repeating: "no session.\(speaks ? "updated" : "created")", count: 2)
            )
            #expect(await provider.finished(0)?.closeCode == 1_000)
            #expect(provider.connections.count == 2)
            provider.stop()
            await witness.isUnharmed()
            await rig.stop()
        }

        /// K14: a caller whose model takes its time hears that the line is not dead, then the model, and of each all.
        @Test func aModelThatTakesItsTimeIsWaitedForWithATone() async throws {
            let rig = try await Witness.rig { setup in
                setup.call.waitingTone?.afterMilliseconds = 300
                setup.call.waitingTone?.everyMilliseconds = 600
            }
            let number = 40
            let provider = try RawProvider(
                { connection in
                    connection.upgrade()
                    connection.pause(milliseconds: 1_300)
                    connection.configure()
                    while connection.appended == 0, connection.readFrame() != nil {}
                    connection.sendTexts([ModelEventCase.created("r1"), ModelEventCase.message("i1", in: "r1")])
                    let frames = (0..<10).map { counter in
                        PatternFrame(stream: UInt16(number), item: 1, counter: UInt32(counter), isLoud: true).bytes
                    }
                    connection.sendTexts(
                        frames.map { ModelEventCase.delta("i1", in: "r1", Base64.encode($0)) }
                    )
                    connection.sendTexts([ModelEventCase.done("r1")])
                    connection.expect("nothing")
                }
            )
            var caller = PhoneScript.pattern(number, [.pause(milliseconds: 3_000), .hangUp(.stop)])
            caller.recordsAudio = true
            let phone = try await rig.call(caller, at: rig.listen(model: endpoint("127.0.0.1", provider.port)))
            let witness = try await Witness(on: rig, turns: 2)
            await phone.ended()
            await rig.waitForEnding(of: caller.callID)
            let report = phone.report
            let summaries = rig.events(of: caller.callID).compactMap { event -> CallSummary? in
                if case .summary(let summary) = event { summary } else { nil }
            }
            let tones = try #require(summaries.first).counters.waitingTones
            #expect(tones >= 2)
            #expect(rig.ending(of: caller.callID)?.reason == .callerHungUp)
            // Each tone is 360 ms; the answer behind them is whole.
            #expect(report.heardItems == [1: 10 * 160] && report.checks[1]?.isPerfect == true)
            let heardBytes = report.answers.reduce(0) { $0 + $1.bytes }
            #expect(heardBytes == (tones * 360 + 200) * MuLaw.bytesPerMillisecond)
            #expect(MuLaw.level(report.heard).peak > 1_000)
            // What was no model's is not told to the model as heard.
            #expect(provider.connections[0].texts.allSatisfy { !$0.contains("truncate") })
            provider.stop()
            await witness.isUnharmed(turns: 2)
            await rig.stop()
        }

        /// F20: a limit that is used up holds new calls back for as long as the server says; the call that heard it goes on.
        @Test func aUsedUpRateLimitHoldsNewCalls() async throws {
            let rig = try await Witness.rig()
            let witness = try await Witness(on: rig)
            @Sendable func limits(_ members: String) -> String {
                #"{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":100\#(members)}]}"#
            }
            let cases = [
                ("left", #","remaining":5,"reset_seconds":60"#, false), ("absent", #","reset_seconds":60"#, false),
                ("none", #","remaining":0,"reset_seconds":60"#, true),
                ("negative", #","remaining":-7,"reset_seconds":1e300"#, true),
            ]
            for (number, (name, members, isHeld)) in cases.enumerated() {
                let provider = try RawProvider { connection in
                    connection.serve()
                    connection.sendTexts([limits(members), #"{"type":"seen"}"#])
                    connection.readToClose()
                }
                let admission = ModelAdmission(holdMillisecondsMax: 500)
                let address = try await rig.listen(model: endpoint("127.0.0.1", provider.port)) {
                    $0.modelAdmission = admission
                }
                let number = number + 10
                let caller = PhoneScript.pattern(number, [.pause(milliseconds: 1_500), .hangUp(.stop)])
                let phone = try await rig.call(caller, at: address)
                await Patience.wait { rig.events(of: caller.callID).contains(.unknownEvent(type: "seen")) }
                let second = try await rig.call(.pattern(100 + number, [.hangUp(.stop)]), at: address)
                await second.ended()
                #expect(second.report.ending.contains("Service Unavailable") == isHeld, "\(name)")
                #expect(admission.stats.heldCalls == (isHeld ? 1 : 0), "\(name)")
                await phone.ended()
                await rig.waitForEnding(of: caller.callID)
                #expect(rig.ending(of: caller.callID)?.reason == .callerHungUp, "\(name)")
                // The time is over.
                let third = try await rig.call(.pattern(200 + number, [.hangUp(.stop)]), at: address)
                await third.ended()
                #expect(!third.report.ending.contains("Service Unavailable"), "\(name)")
                provider.stop()
            }
            await witness.isUnharmed()
            await rig.stop()
        }

        /// K12: a server that comes back with other ticket keys takes our ticket for nothing: a full handshake follows.
        @Test func aTicketThatIsWorthNothingIsNoFault() async throws {
            let rig = try await Witness.rig()
            var before = await rig.server.stats
            for (number, isResumed) in [(1, false), (2, true), (3, false), (4, true)] {
                if number == 3 {
                    await rig.stopModel()
                    try await rig.startModel()
                }
                let caller = PhoneScript.pattern(number, [.pause(milliseconds: 300), .hangUp(.stop)])
                let phone = try await rig.call(caller)
                await phone.ended()
                await rig.waitForEnding(of: caller.callID)
                #expect(rig.ending(of: caller.callID)?.reason == .callerHungUp)
                let after = await rig.server.stats
                #expect(after.tlsHandshakes - before.tlsHandshakes == 1)
                #expect(after.tlsResumed - before.tlsResumed == (isResumed ? 1 : 0), "\(number)")
                before = after
            }
            await rig.stop()
        }
    }
}
