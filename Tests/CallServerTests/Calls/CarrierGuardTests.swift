import CallServer
import Foundation
import SelfTest
import Simulators
import TestSupport
import Testing
import WebServer

/// Who may open a call that somebody pays for.
@Suite(.serialized, .timeLimit(.minutes(1))) struct CarrierGuardTests {
    private static let token = "0123456789abcdef0123456789abcdef"
    private static let account = "AC00000000000000000000000000000001"
    private static let call = "CA00000000000000000000000000000001"

    private static func server(_ more: [String: String] = [:]) async throws -> ServerFixture {
        try await ServerFixture(
            ["TWILIO_AUTH_TOKEN": token, "PUBLIC_URL": "https://a.example", "TWILIO_ACCOUNT_SID": account].merging(more)
            {
                $1
            }
        )
    }

    /// What the document of a signed webhook tells the stream to bring along.
    private static func streamToken(_ server: ServerFixture) async throws -> String {
        let fields = FormFields([.init("AccountSid", account), .init("CallSid", call)])
        let signature = TwilioSignature.sign(url: "https://a.example/incoming-call", fields: fields, key: token)
        let answer = try await server.ask(
            "POST",
            "/incoming-call",
            headers: ["X-Twilio-Signature: \(signature)", "Content-Type: application/x-www-form-urlencoded"],
            body: "AccountSid=\(account)&CallSid=\(call)"
        )
        let start = try #require(answer.text.range(of: #"<Parameter name="trunkline_token" value=""#)).upperBound
        return String(answer.text[start...].prefix { $0 != "\"" })
    }

    private static func upgrade(signed: Bool) -> String {
        let signature = TwilioSignature.sign(url: "wss://a.example/media-stream", key: token)
        let line = signed ? "X-Twilio-Signature: \(signature)\r\n" : ""
        return RawBytes.upgrade(to: "/media-stream").replacing("\r\n\r\n", with: "\r\n\(line)\r\n")
    }

    private static func start(token: String, account: String = account, number: Int = 1) -> [UInt8] {
        let stream = "MZ0000000000000000000000000000000\(number)"
        let text =
            #"{"event":"start","sequenceNumber":"1","start":{"accountSid":"\#(account)","streamSid":"\#(stream)","#
            + #""callSid":"\#(call)","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","#
            + #""sampleRate":8000,"channels":1},"customParameters":{"trunkline_token":"\#(token)"}},"#
            + #""streamSid":"\#(stream)"}"#
        return RawBytes.text(#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#) + RawBytes.text(text)
    }

    @Test func webhooksAndUpgradesWithoutTheSignatureAreRefused() async throws {
        let server = try await Self.server()
        let form = "Content-Type: application/x-www-form-urlencoded"
        for target in ["/incoming-call", "/twiml"] {
            let bare = try await server.ask("POST", target, headers: [form], body: "CallSid=\(Self.call)")
            #expect(bare.status == 403)
            let wrong = [form, "X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA="]
            #expect(try await server.ask("POST", target, headers: wrong, body: "CallSid=\(Self.call)").status == 403)
        }
        let phone = try RawClient(port: server.port)
        phone.send(Self.upgrade(signed: false))
        #expect(await phone.answer().status == 403)
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains(#"trunkline_admission_rejected_total{reason="signature"} 5"#))
        #expect(server.modelLog.connections == 0)
        await server.stop()
    }

    @Test func aStreamNeedsTheTokenOfItsWebhookOnce() async throws {
        let server = try await Self.server()
        let token = try await Self.streamToken(server)
        // A repeated webhook gets the same one while it is young and unused.
        #expect(try await Self.streamToken(server) == token)
        for (number, wrong) in [
            Self.start(token: ""), Self.start(token: token + "0"),
            Self.start(token: token.replacing("1", with: "2")),
        ].enumerated() {
            let stranger = try RawClient(port: server.port)
            stranger.send(Array(Self.upgrade(signed: true).utf8) + wrong)
            #expect(await stranger.answer().closeCode == 1008, "case \(number)")
        }
        #expect(server.modelLog.connections == 0)
        let phone = try RawClient(port: server.port)
        phone.send(Array(Self.upgrade(signed: true).utf8) + Self.start(token: token))
        await Patience.wait { server.modelLog.connections > 0 }
        let second = try RawClient(port: server.port)
        second.send(Array(Self.upgrade(signed: true).utf8) + Self.start(token: token, number: 2))
        #expect(await second.answer().closeCode == 1008)
        #expect(server.modelLog.connections == 1)
        await server.stop()
    }

    /// A page in a browser of this machine is a stranger's, and so is who reaches us by a name that is not this machine's.
    @Test(arguments: [
        ("127.0.0.1", [], 200), ("localhost", [], 200), ("evil.example", [], 403),
        ("127.0.0.1", ["Origin: https://evil.example"], 403), ("127.0.0.1", ["Origin: null"], 403),
        ("127.0.0.1", ["X-Forwarded-For: 192.0.2.1"], 403),
    ])
    func pagesMayNotCallWithoutASecret(host: String, headers: [String], status: Int) async throws {
        let server = try await ServerFixture()
        for (method, path) in [("GET", "/incoming-call"), ("POST", "/twiml"), ("POST", "/status")] {
            let answer = try await server.ask(method, path, headers: headers, host: host)
            #expect(answer.status == (status == 200 && path == "/status" ? 204 : status), "\(method) \(path)")
        }
        let phone = try RawClient(port: server.port)
        let lines = ["Host: \(host)"] + headers
        let upgrade = RawBytes.upgrade(to: "/media-stream").split(separator: "\r\n").filter { !$0.hasPrefix("Host:") }
        phone.send((upgrade + lines.map { $0[...] }).joined(separator: "\r\n") + "\r\n\r\n")
        phone.send(RawBytes.close(1000))
        #expect(await phone.answer().status == (status == 200 ? 101 : 403))
        await server.stop()
    }

    @Test func withoutASecretOnlyThisMachineMayCall() async throws {
        let server = try await ServerFixture()
        let phone = try RawClient(port: server.port)
        let forwarded = "\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        phone.send(RawBytes.upgrade(to: "/media-stream").replacing("\r\n\r\n", with: forwarded))
        #expect(await phone.answer().status == 403)
        let open = try await ServerFixture(["ALLOW_UNSIGNED": "yes"])
        let other = try RawClient(port: open.port)
        other.send(
            Array(RawBytes.upgrade(to: "/media-stream").replacing("\r\n\r\n", with: forwarded).utf8)
                + RawBytes.close(1000)
        )
        #expect(await other.answer().status == 101)
        await server.stop()
        await open.stop()
    }
}
