import ArgumentParser
import Foundation
import RealtimeProtocol

/// Throughput and latency of the relay under load, beside a floor in the same session.
@main
struct BenchRelay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-relay",
        abstract: "Load a relay with calls and measure it: CPU, frames, latency, memory.",
        discussion: """
            Relay, callers and model are processes of their own. Every call sends 50 frames a second and receives as
            much in 200 ms deltas, all the time. A run whose generator used more than 70 % of a core is void.
            """,
        subcommands: [Run.self, CallersRole.self, ModelRole.self, RelayRole.self, FloorRole.self],
        defaultSubcommand: Run.self
    )
}

/// What a run is told.
struct LoadOptions: ParsableArguments {
    @Option(help: "Calls at once.")
    var calls = 250

    @Option(help: "Seconds that are measured, after all calls are open.")
    var seconds = 20

    @Option(help: "Milliseconds over which the calls are opened.")
    var ramp = 3_000

    @Flag(inversion: .prefixedNo, help: "TLS between relay and model.")
    var tls = true

    @Option(help: "Loops of the relay.")
    var loops = 1

    @Option(help: "Caller audio gathered into one append, milliseconds.")
    var appendMs = 20

    @Option(name: .customLong("barge-in"), help: "Seconds between two interruptions of a call; 0 never.")
    var bargeIn = 0
}

/// Runs relays one after the other and prints them side by side.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure (the default).")

    @OptionGroup var load: LoadOptions

    @Flag(help: "Measure a minimal C relay in the same session and print the ratio.")
    var floor = false

    @Option(help: "Pairs of runs with --floor; the medians are printed.")
    var pairs = 1

    @Option(help: "The port of another bridge on this machine, to be measured instead; give --pid.")
    var againstPort: Int?

    @Option(help: "The process of that bridge.")
    var pid: Int32?

    @Option(help: "Write the results as JSON.")
    var json: String?

    func validate() throws {
        guard (1...8_000).contains(load.calls) else { throw ValidationError("--calls takes 1 to 8000") }
        guard (1...86_400).contains(load.seconds) else { throw ValidationError("--seconds takes 1 to 86400") }
        guard (againstPort == nil) == (pid == nil) else { throw ValidationError("--against-port needs --pid") }
        guard (20...200).contains(load.appendMs) else { throw ValidationError("--append-ms takes 20 to 200") }
    }

    func run() async throws {
        #if DEBUG
            print("These are figures of a debug build; use `swift run -c release bench-relay`.")
        #endif
        var relays: [Measurement] = []
        var floors: [Measurement] = []
        for _ in 0..<max(1, pairs) {
            if let againstPort, let pid {
                relays.append(try Session(load).measure(.other(port: againstPort, pid: pid)))
            } else {
                relays.append(try Session(load).measure(.relay))
            }
            if floor { floors.append(try Session(load).measure(.floor)) }
        }
        let report = Report(load: load, relays: relays, floors: floors)
        for line in report.lines { print(line) }
        if let json { try Data(report.json.encode()).write(to: URL(fileURLWithPath: json)) }
        if !report.failures.isEmpty { throw ExitCode.failure }
    }
}
