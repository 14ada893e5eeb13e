import COpenSSL
import CallBridge
import CallPolicy
import Foundation
import SelfTest
import Simulators
import Testing
import Trunk

extension ModelSide {
    /// Providers whose certificate or TLS is not as it should be. The key goes only to a provider whose certificate stands.
    @Suite(.timeLimit(.minutes(3))) struct ProviderTLSTests {
        private struct Case: Sendable {
            let name: String
            let certificate: String
            var isTaken = false
            var host = "localhost"
            var versions: ClosedRange<Int32>?
            var reason = EndReason.modelUnreachable
            var shape: TLSShape?
            var turn: TLSProvider.Turn?
        }

        private static let certificates: [Case] = [
            Case(name: "a good one", certificate: "good", isTaken: true, reason: .modelRefused),
            Case(name: "K5 self-signed", certificate: "selfsigned"),
            Case(name: "K5 unknown authority", certificate: "unknown"),
            Case(name: "K5 missing intermediate", certificate: "orphan"),
            Case(name: "K2, K7 another host", certificate: "otherhost"),
            Case(name: "K7 a star alone", certificate: "star"),
            Case(name: "K7 a star in a label", certificate: "partial"),
            Case(name: "K7 name in the subject only", certificate: "subject"),
            Case(name: "K7 the name for an address", certificate: "good", host: "127.0.0.1"),
            Case(name: "K7 the address as a name", certificate: "textaddress", host: "127.0.0.1"),
            Case(name: "for clients only", certificate: "client"),
            Case(name: "K8 RSA of 1,024 bits", certificate: "rsa1024"),
            Case(name: "K8 RSA of 512 bits", certificate: "rsa512"), Case(name: "K8 SHA-1", certificate: "sha1"),
            Case(name: "K8 TLS 1.0", certificate: "good", versions: TLS1_VERSION...TLS1_VERSION),
            Case(name: "K8 TLS 1.1", certificate: "good", versions: TLS1_1_VERSION...TLS1_1_VERSION),
            Case(
                name: "TLS 1.2",
                certificate: "good",
                isTaken: true,
                versions: TLS1_2_VERSION...TLS1_2_VERSION,
                reason: .modelRefused
            ),
            Case(name: "K9 nine authorities between", certificate: "nine", isTaken: true, reason: .modelRefused),
            Case(name: "K9 a chain of 15", certificate: "long"),
            Case(name: "K9 a chain of 100", certificate: "hundred"),
            Case(name: "K9 a certificate of 180 kB", certificate: "big"),
            Case(name: "K9 a certificate of 10 MiB", certificate: "huge"),
        ]

        /// Handshakes in pieces, by both versions: in one of them nearly all of it is encrypted.
        private static let handshakes: [Case] = [TLS1_2_VERSION, TLS1_3_VERSION].flatMap { version in
            let name = version == TLS1_2_VERSION ? "1.2" : "1.3"
            return [
                Case(
                    name: "K11 a handshake split at each byte, \(name)",
                    certificate: "good",
                    isTaken: true,
                    versions: version...version,
                    reason: .modelRefused,
                    shape: .byteByByte
                ),
                Case(
                    name: "K11 a handshake in records of one byte, \(name)",
                    certificate: "good",
                    isTaken: true,
                    versions: version...version,
                    reason: .modelRefused,
                    shape: .recordsOfOneByte
                ),
                Case(
                    name: "K10 10,000 empty records, \(name)",
                    certificate: "good",
                    versions: version...version,
                    shape: .emptyRecords(10_000)
                ),
            ]
        }

        /// After a good handshake.
        private static let records: [Case] = [
            Case(name: "K10 a record of 2^14 + 1", certificate: "good", isTaken: true) { _, descriptor in
                let record = [0x17, 3, 3, 0x42, 1] + [UInt8](repeating: 7, count: 0x4201)
                _ = send(descriptor, record, record.count, Int32(MSG_NOSIGNAL))
                usleep(50_000)
            },
            Case(name: "K10 an end without close_notify", certificate: "good", isTaken: true) { _, _ in },
            Case(name: "K10 close_notify in an answer", certificate: "good", isTaken: true) { ssl, _ in
                TLSProvider.write("HTTP/1.1 101 Switching", to: ssl)
                SSL_shutdown(ssl)
            },
            Case(name: "K10 1,000 key updates", certificate: "good", isTaken: true, reason: .modelRefused) { ssl, _ in
                for _ in 0..<1_000 {
                    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED)
                    SSL_do_handshake(ssl)
                }
                TLSProvider.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", to: ssl)
                SSL_shutdown(ssl)
            },
            Case(
                name: "K10 renegotiation",
                certificate: "good",
                isTaken: true,
                versions: TLS1_2_VERSION...TLS1_2_VERSION
            ) { ssl, _ in
                SSL_renegotiate(ssl)
                SSL_do_handshake(ssl)
                var byte: UInt8 = 0
                _ = SSL_read(ssl, &byte, 1)
            },
            Case(name: "K11 records of one byte", certificate: "good", isTaken: true, reason: .modelRefused) { ssl, _ in
                for character in "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" {
                    TLSProvider.write(String(character), to: ssl)
                }
                SSL_shutdown(ssl)
            },
        ]

        private func run(_ one: Case, _ number: Int, _ made: Certificates, on rig: Rig) async throws {
            let provider = try TLSProvider(
                certificate: made.certificate(one.certificate),
                key: made.key(one.certificate),
                versions: one.versions,
                shape: one.shape,
                one.turn
            )
            defer { provider.stop() }
            let model = try ModelEndpoint(
                url: "wss://\(one.host):\(provider.port)/",
                model: "m",
                key: "sk-hostile",
                authorityFile: made.authority
            )
            let address = try await rig.listen(model: model) { $0.call.reconnect.setupDelaysMilliseconds = [10] }
            let caller = PhoneScript.pattern(number, [.hangUp(.never)])
            let phone = try await rig.call(caller, at: address)
            await phone.ended()
            await rig.waitForEnding(of: caller.callID)
            #expect(rig.ending(of: caller.callID)?.reason == one.reason, "\(one.name)")
            let counts = provider.counts
            #expect(counts.accepted == (one.reason == .modelRefused ? 1 : 2), "\(one.name)")
            #expect(counts.requests == (one.isTaken ? counts.accepted : 0), "\(one.name)")
        }

        @Test func theKeyGoesOnlyToWhomTheCertificateNames() async throws {
            guard let made = try Certificates() else { return }
            defer { made.remove() }
            let rig = try await Witness.rig { $0.engine.answerDeadlineMilliseconds = 1_500 }
            let before = await rig.server.stats
            let witness = try await Witness(on: rig, turns: 2)
            let cases = Self.certificates + Self.handshakes + Self.records
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, one) in cases.enumerated() {
                    group.addTask { try await run(one, 100 + index, made, on: rig) }
                }
                try await group.waitForAll()
            }
            await witness.isUnharmed(turns: 2)
            let after = await rig.server.stats
            // Renegotiation is not taken up: that server waits for it, and we for its answer, twice.
            #expect(after.dialTimeouts - before.dialTimeouts == 2)
            let taken = cases.filter(\.isTaken).reduce(0) { $0 + ($1.reason == .modelRefused ? 1 : 2) }
            #expect(after.tlsHandshakes - before.tlsHandshakes == UInt64(taken + 1))
            await rig.stop()
        }

        /// K15: authorities that cannot be loaded are told before a port is open.
        @Test func aBadFileOfAuthoritiesIsRefusedAtTheStart() async throws {
            let rig = try await Witness.rig()
            let empty = NSTemporaryDirectory() + "empty-\(UUID().uuidString).pem"
            _ = FileManager.default.createFile(atPath: empty, contents: Data())
            for file in ["/nowhere/authorities.pem", empty, "/"] {
                let model = try ModelEndpoint(url: "wss://localhost:1/", model: "m", key: "k", authorityFile: file)
                await #expect(throws: TrunkError(.tls)) { _ = try await rig.listen(model: model) }
            }
            try? FileManager.default.removeItem(atPath: empty)
            await rig.stop()
        }
    }
}
