import CallServer
import Foundation
import SelfTest
import Simulators
import TestSupport
import Testing
import Trunk

/// The server's own TLS: pages, long bodies and streams on one port, with curl as a judge.
@Suite(.serialized, .timeLimit(.minutes(1)), .enabled(if: Program.isThere("curl"), "needs curl")) struct TLSServerTests
{
    private struct Fixture {
        let folder: TemporaryFolder
        let certificate: LoopbackCertificate
        let server: ServerFixture

        init(_ environment: [String: String] = [:]) async throws {
            folder = try TemporaryFolder()
            certificate = try LoopbackCertificate(in: folder.path)
            let files = ["TLS_CERT": certificate.certificateFile, "TLS_KEY": certificate.keyFile]
            server = try await ServerFixture(files.merging(environment) { $1 })
        }

        func curl(_ arguments: String...) async throws -> String {
            try await Program.run("curl", ["-sS", "--cacert", certificate.certificateFile] + arguments).output
        }

        var root: String { "https://localhost:\(server.port)" }
    }

    @Test func pagesAndBodiesPass() async throws {
        let fixture = try await Fixture()
        #expect(try await fixture.curl(fixture.root + "/").contains("Twilio Media Stream Server is running!"))
        // Kept alive: two requests on one connection.
        let both = try await fixture.curl(
            "-w",
            "|%{num_connects}",
            fixture.root + "/ready",
            fixture.root + "/openapi.json"
        )
        #expect(both.contains(#"{"ready":true}|1"#) && both.hasSuffix("|0"))
        let form = String(repeating: "a", count: 60_000)
        let posted = try await fixture.curl("-d", "x=\(form)", fixture.root + "/incoming-call")
        #expect(posted.contains("<Stream url=\"wss://localhost:\(fixture.server.port)/media-stream\"/>"))
        #expect(
            try await fixture.curl(
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "-d",
                "x=\(form)\(form)",
                fixture.root + "/twiml"
            ) == "413"
        )
        #expect(try await fixture.curl("--compressed", fixture.root + "/docs/page.js").contains("use strict"))
        let local = try await fixture.curl("-w", "%{http_code}", "-o", "/dev/null", fixture.root + "/calls")
        #expect(local == "200")
        await fixture.server.stop()
    }

    @Test func aHundredConnectionsLeaveNothing() async throws {
        let fixture = try await Fixture()
        for _ in 0..<100 { #expect(try await fixture.curl(fixture.root + "/ready") == #"{"ready":true}"#) }
        await Patience.wait {
            let stats = await fixture.server.server.stats()[0]
            return stats.legsOpen == 0 && stats.handedOver == 100
        }
        await fixture.server.stop()
    }

    @Test func aCallBesidePagesLosesNothing() async throws {
        let fixture = try await Fixture()
        let target = DialTarget(
            host: "localhost",
            port: fixture.server.port,
            isSecure: true,
            target: "/media-stream",
            authorityFile: fixture.certificate.certificateFile
        )
        let turn: [PhoneScript.Step] = [
            .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000), .hangUp(.stop),
        ]
        let script = PhoneScript.pattern(1, turn)
        let outcome = try await fixture.server.phones.perform { try PhoneSimulator.call(target, script, on: $0) }
        for _ in 0..<20 { _ = try await fixture.curl(fixture.root + "/metrics") }
        await outcome.ended()
        #expect(!outcome.report.checks.isEmpty && outcome.report.checks.values.allSatisfy { $0.isPerfect })
        #expect(fixture.server.modelLog.checks[1]?.isPerfect == true)
        await fixture.server.stop()
    }

    @Test func anotherCertificateIsTakenUp() async throws {
        let fixture = try await Fixture()
        let other = try TemporaryFolder()
        let renewed = try LoopbackCertificate(in: other.path)
        let files = [
            (renewed.certificateFile, fixture.certificate.certificateFile),
            (renewed.keyFile, fixture.certificate.keyFile),
        ]
        try Data("no certificate".utf8).write(to: URL(fileURLWithPath: fixture.certificate.keyFile))
        #expect(await fixture.server.server.reloadCertificate()?.contains("the old ones stay in use") == true)
        for (from, to) in files {
            try FileManager.default.removeItem(atPath: to)
            try FileManager.default.copyItem(atPath: from, toPath: to)
        }
        #expect(await fixture.server.server.reloadCertificate() == nil)
        let answer = try await Program.run(
            "curl",
            ["-sS", "--cacert", renewed.certificateFile, fixture.root + "/ready"]
        ).output
        #expect(answer == #"{"ready":true}"#)
        await fixture.server.stop()
    }

    /// The key is written after the certificate, and neither is newer than what it replaces.
    @Test func aPairThatIsHalfWrittenIsTriedAgain() async throws {
        let fixture = try await Fixture()
        let other = try TemporaryFolder()
        let renewed = try LoopbackCertificate(in: other.path)
        let server = fixture.server.server
        #expect(await server.renewCertificate() == nil)
        func put(_ from: String, _ to: String) throws {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1)],
                ofItemAtPath: from
            )
            try FileManager.default.removeItem(atPath: to)
            try FileManager.default.moveItem(atPath: from, toPath: to)
        }
        let authority = other.path + "/authority.pem"
        try FileManager.default.copyItem(atPath: renewed.certificateFile, toPath: authority)
        try put(renewed.certificateFile, fixture.certificate.certificateFile)
        #expect(await server.renewCertificate()?.contains("the old ones stay in use") == true)
        #expect(await server.renewCertificate() == nil, "one state is told of once")
        try put(renewed.keyFile, fixture.certificate.keyFile)
        #expect(await server.renewCertificate() == nil)
        let answer = try await Program.run("curl", ["-sS", "--cacert", authority, fixture.root + "/ready"]).output
        #expect(answer == #"{"ready":true}"#)
        await fixture.server.stop()
    }

    @Test(arguments: ["missing", "mismatch", "encrypted", "expired"])
    func badFilesAreToldAtTheStart(fault: String) async throws {
        let folder = try TemporaryFolder()
        let certificate = try LoopbackCertificate(in: folder.path)
        let other = try TemporaryFolder()
        var files = ["TLS_CERT": certificate.certificateFile, "TLS_KEY": certificate.keyFile]
        switch fault {
        case "missing": files["TLS_KEY"] = folder.path + "/none"
        case "mismatch": files["TLS_KEY"] = try LoopbackCertificate(in: other.path).keyFile
        case "encrypted":
            files["TLS_KEY"] = folder.path + "/encrypted.pem"
            let arguments = [
                "pkey", "-in", certificate.keyFile, "-aes256", "-passout", "pass:x", "-out", files["TLS_KEY"]!,
            ]
            try #require(try await Program.run("openssl", arguments).status == 0)
        default:
            files["TLS_CERT"] = folder.path + "/expired.pem"
            // openssl(1) of Debian 12 knows no end in the past; days may be negative in -days of `x509`.
            let arguments = [
                "x509", "-in", certificate.certificateFile, "-signkey", certificate.keyFile, "-days", "-1", "-out",
                files["TLS_CERT"]!,
            ]
            try #require(try await Program.run("openssl", arguments).status == 0)
        }
        await #expect(throws: Settings.Failure.self) { try await ServerFixture(files).stop() }
    }
}
