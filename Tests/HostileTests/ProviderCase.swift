import CallBridge
import CallPolicy
import SelfTest
import Simulators
import Testing

/// One way in which a provider misbehaves, and what a call that meets it must come to.
struct ProviderCase: Sendable {
    let name: String
    /// What the first connection does; later ones refuse the key, which ends the call.
    let script: RawProvider.Script
    /// Dials in all: 2 when the fault is worth another attempt.
    var dials = 2
    /// The close code that the provider gets from us on its first connection.
    var code: Int?
    var reason = EndReason.modelRefused
    /// Every connection does it.
    var always = false

    /// A provider that refuses the key.
    static let refuses: RawProvider.Script = { connection in
        connection.readHead()
        connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    }

    /// An answer to the upgrade as it stands here, `ACCEPT` replaced by the right value.
    static func head(_ text: String, then bytes: [UInt8] = []) -> RawProvider.Script {
        { connection in
            let head = connection.readHead()
            let answer = text.replacing("\n", with: "\r\n").replacing("ACCEPT", with: connection.accepting(head))
            connection.send(Array(answer.utf8) + bytes)
            connection.readToClose()
        }
    }

    static func status(_ status: Int, _ headers: String = "") -> RawProvider.Script {
        head("HTTP/1.1 \(status) Whatever\nContent-Length: 0\n\(headers)\n")
    }

    /// Bytes behind a good upgrade.
    static func frames(_ bytes: [UInt8]) -> RawProvider.Script {
        { connection in
            connection.upgrade()
            connection.send(bytes)
            connection.readToClose()
        }
    }

    /// Plays the case beside others: a bridge, a provider and a caller of its own. Returns the provider.
    @discardableResult
    func run(_ number: Int, on rig: Rig) async throws -> RawProvider {
        let provider = always ? try RawProvider(script) : try RawProvider(script, Self.refuses)
        defer { provider.stop() }
        let (caller, _) = try await rig.play(number, against: provider)
        #expect(rig.ending(of: caller.callID)?.reason == reason, "\(name)")
        #expect(provider.connections.count == dials, "\(name)")
        let first = await provider.finished(0)
        #expect(first?.closeCode == code, "\(name)")
        return provider
    }

    /// Plays all cases at once.
    static func runAll(_ cases: [ProviderCase], on rig: Rig, from number: Int = 100) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, one) in cases.enumerated() {
                group.addTask { try await one.run(number + index, on: rig) }
            }
            try await group.waitForAll()
        }
    }
}

extension Rig {
    /// Lets a caller who says nothing talk to a provider through a bridge of its own, until the call has ended.
    func play(_ number: Int, against provider: RawProvider) async throws
        -> (caller: PhoneScript, phone: PhoneSimulator.Outcome)
    {
        let model = try ModelEndpoint(url: "ws://127.0.0.1:\(provider.port)/", model: "m", key: "sk-hostile")
        let caller = PhoneScript.pattern(number, [.hangUp(.never)])
        let phone = try await call(caller, at: listen(model: model))
        await phone.ended()
        await waitForEnding(of: caller.callID)
        return (caller, phone)
    }
}
