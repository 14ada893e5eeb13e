import ArgumentParser
import SelfTest

/// Plays one call and shows what happened.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play one call through a real server on this machine: two utterances, the second interrupts.",
        discussion:
            "Caller, server and model are real sockets on loopback, the model behind TLS. Nothing leaves this machine."
    )

    @Option(help: "A WAV file that the caller says; default: installed telephone speech.")
    var wav: String?

    @Option(help: "Where the recording goes: caller left, agent right.")
    var output = "demo-call.wav"

    func run() async throws {
        let speech = try Demo.utterances(wav: wav)
        print("caller says: \(speech.source)\n")
        let outcome = try await Demo.run(
            Demo.Options(first: speech.first, second: speech.second, recording: output)
        )
        for line in outcome.timeline { print(line) }
        print()
        for line in outcome.figures { print(line) }
        print("\nrecording: \(output) (caller left, agent right)")
        if outcome.failures.isEmpty { return }
        for failure in outcome.failures { print("FAILED: \(failure)") }
        throw ExitCode.failure
    }
}
