import SelfTest
import Testing
import Trunk

extension ModelSide {
    /// Names with several addresses, of which some do not answer.
    @Suite(.timeLimit(.minutes(3))) struct ProviderAddressTests {
        /// Notes when its connection was open, or how it ended.
        private final class Attempt: LegHandler {
            let outcome = Locked<(openedAt: Int64?, ending: LegEnding?)>((nil, nil))

            func opened(_ leg: LegID, on engine: isolated CallEngine) {
                outcome.withLock { $0.openedAt = engine.nowMicroseconds }
                engine.close(leg)
            }

            func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {}
            func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}
            func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
                outcome.withLock { $0.ending = ending }
            }
        }

        /// Dials a name with these addresses; microseconds until the connection was open, or how it ended.
        private func dial(_ addresses: [String], _ port: Int, on rig: Rig) async throws -> (took: Int64?, LegEnding?) {
            let (outcome, began) = try await rig.server.perform { engine in
                let attempt = Attempt()
                var target = DialTarget(host: "model.invalid", port: port, isSecure: false, target: "/")
                target.addresses = addresses
                _ = try engine.dial(target, handler: attempt)
                return (attempt.outcome, engine.nowMicroseconds)
            }
            await Patience.wait { outcome.withLock { $0.ending != nil } }
            let (openedAt, ending) = outcome.withLock { $0 }
            return (openedAt.map { $0 - began }, ending)
        }

        /// One that answers. Its port is taken first: on other loopback addresses nobody has it, while a hole's could be
        /// somebody's on this one.
        private static func provider() throws -> RawProvider {
            try RawProvider { connection in
                connection.upgrade()
                connection.readToClose()
                connection.send(RawConnection.closeFrame(1_000))
            }
        }

        /// K3: an address that swallows everything costs the time until the next is tried beside it, and no more.
        @Test func aBlackHoleCostsLessThan300Milliseconds() async throws {
            let rig = try await Witness.rig()
            let provider = try Self.provider()
            let hole = try BlackHole(host: 2, port: provider.port)
            guard hole.isBlack else {
                provider.stop()
                return await rig.stop()
            }
            let witness = try await Witness(on: rig, turns: 2)
            let before = await rig.server.stats
            var least = Int64.max
            for _ in 0..<5 {
                let (took, _) = try await dial(["127.0.0.2", "127.0.0.1"], hole.port, on: rig)
                least = min(least, try #require(took))
            }
            // The least of several: the machine may be busy, the rule is not.
            #expect(least >= 249_000 && least < 300_000, "\(least) µs")
            #expect(provider.connections.count == 5)
            await witness.isUnharmed(turns: 2)
            let after = await rig.server.stats
            #expect(after.dialTimeouts == before.dialTimeouts)
            provider.stop()
            await rig.stop()
        }

        /// K4: what refuses is passed over at once; where nobody answers, the deadline of connections ends the dial.
        @Test func refusalsCostNothingAndSilenceEnds() async throws {
            let rig = try await Witness.rig { $0.engine.connectDeadlineMilliseconds = 400 }
            let provider = try Self.provider()
            let hole = try BlackHole(host: 2, port: provider.port)
            // Nobody listens at the first three.
            var least = Int64.max
            for _ in 0..<5 {
                let all = ["127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1"]
                let (took, _) = try await dial(all, hole.port, on: rig)
                least = min(least, try #require(took))
            }
            #expect(least < 250_000, "\(least) µs")
            let before = await rig.server.stats
            let (_, silent) = try await dial(["127.0.0.2"], hole.port, on: rig)
            let timeouts = await rig.server.stats.dialTimeouts - before.dialTimeouts
            if hole.isBlack { #expect(silent?.cause == .connect && timeouts == 1) }
            for wrong in ["", "127.0.0", "localhost", "127.0.0.1,", "127.0.0.1 "] {
                let (took, ending) = try await dial(["127.0.0.1", wrong], hole.port, on: rig)
                #expect(took == nil && ending?.cause == .resolve, "\(wrong)")
            }
            // A name that would be cut is not looked up; the longest that is not, is.
            for (count, error) in [(256, TrunkError(.invalid)), (255, nil)] as [(Int, TrunkError?)] {
                let target = DialTarget(
                    host: String(repeating: "a", count: count),
                    port: 1,
                    isSecure: false,
                    target: "/"
                )
                let thrown = await rig.server.perform { engine -> TrunkError? in
                    do throws(TrunkError) {
                        _ = try engine.dial(target, handler: Attempt())
                        return nil
                    } catch {
                        return error
                    }
                }
                #expect(thrown == error, "\(count)")
            }
            let (tooMany, _) = try await dial(Array(repeating: "127.0.0.1", count: 9), hole.port, on: rig)
            #expect(tooMany == nil)
            provider.stop()
            await rig.stop()
        }
    }
}
