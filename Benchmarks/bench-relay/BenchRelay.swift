import ArgumentParser

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
        subcommands: [
            Run.self, Micro.self, Soak.self, Churn.self, Faults.self, CallersRole.self, ModelRole.self, RelayRole.self,
            FloorRole.self, ProxyRole.self,
        ],
        defaultSubcommand: Run.self
    )

    /// Said before the figures of a build that is not optimised; nil in a release build.
    static var debugNotice: String? {
        #if DEBUG
            "These are figures of a debug build; use `swift run -c release bench-relay`."
        #else
            nil
        #endif
    }
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

    @Option(
        help: "Calls that hang up and are replaced by new ones each second, such as 20/s.",
        transform: { text in
            let number = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
            guard let rate = Int(number), (0...1_000).contains(rate) else {
                throw ValidationError("--churn takes 0 to 1000 a second")
            }
            return rate
        }
    )
    var churn = 0

    @Flag(help: "Devices that speak Opus instead of phones: the cost of decoding and encoding.")
    var opus = false

    @Option(help: "Audio of one Opus packet, milliseconds: 20, 40 or 60.")
    var opusFrame = 60

    @Option(help: "The relay's encoder: 0 to 10.")
    var opusComplexity = 5

    func validate() throws {
        guard [20, 40, 60].contains(opusFrame) else { throw ValidationError("--opus-frame takes 20, 40 or 60 ms") }
        guard (0...10).contains(opusComplexity) else { throw ValidationError("--opus-complexity takes 0 to 10") }
        if opus, churn > 0 || bargeIn > 0 { throw ValidationError("--opus goes without --churn and --barge-in") }
        guard (1...8_000).contains(calls) else { throw ValidationError("--calls takes 1 to 8000") }
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds takes 1 to 86400") }
        guard (0...600_000).contains(ramp) else { throw ValidationError("--ramp takes 0 to 600000 ms") }
        guard (1...64).contains(loops) else { throw ValidationError("--loops takes 1 to 64") }
        guard (20...200).contains(appendMs) else { throw ValidationError("--append-ms takes 20 to 200") }
        guard (0...3_600).contains(bargeIn) else { throw ValidationError("--barge-in takes 0 to 3600 s") }
    }
}
