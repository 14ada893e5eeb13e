import ArgumentParser
import CallServer
import OutboundHTTP
import Trunk

/// Looks whether all that a call needs is there.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what a call needs: key, model, public address, carrier, webhook, signatures, limits.",
        discussion: """
            Reads the settings as `serve` does. The checks of the public address need a server that runs with the same
            settings. Exits with 1 when calls would fail. With --health it only asks a server on this machine for /ready, as
            containers do.
            """
    )

    @OptionGroup var given: GivenSettings

    @Flag(help: "Only ask the server of these settings, on this machine, whether it takes calls.")
    var health = false

    func run() async throws {
        let settings = given.read()
        let client = OutboundHTTPClient()
        if health {
            let isReady = await ready(settings, client)
            await client.shutdown()
            if !isReady { throw ExitCode.failure }
            return
        }
        let engine = try CallEngine.start()
        let checks = await SetupChecks(settings, fetcher: client, engine: engine).run()
        for check in checks {
            print("\(Self.mark(check.status)) \(check.subject.title): \(check.detail)")
            if !check.advice.isEmpty { print("        \(check.advice)") }
        }
        await engine.stop()
        await client.shutdown()
        if checks.contains(where: { $0.status == .failed }) { throw ExitCode.failure }
    }

    private static func mark(_ status: SetupCheck.Status) -> String {
        switch status {
        case .ok: "ok     "
        case .warning: "warning"
        case .failed: "FAILED "
        case .skipped: "skipped"
        }
    }

    private func ready(_ settings: Settings, _ client: OutboundHTTPClient) async -> Bool {
        let host = ["0.0.0.0", "::", ""].contains(settings.host) ? "127.0.0.1" : settings.host
        // Of our own certificate the name would not fit this address: over TLS it is enough that somebody answers.
        let server = OutboundServer(isSecure: settings.tls != nil, host: host, port: settings.port, mayBePrivate: true)
        var request = OutboundRequest(server: server, target: "/ready")
        request.timeoutMilliseconds = 2_000
        do throws(OutboundFailure) {
            return try await client.fetch(request).status == 200
        } catch {
            return settings.tls != nil && error == .tls
        }
    }
}
