import ArgumentParser
import RealtimeProtocol
import SelfTest

/// Plays many calls at once and counts every frame.
struct SelfTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Play many calls at once through a real server on this machine and count every frame."
    )

    @Option(help: "Calls at once.")
    var calls = 20

    @Option(help: "Seconds that each call talks.")
    var seconds = 20

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Judge what was lost, not what was late: for machines that are busy with something else.")
    var onlyFrames = false

    func validate() throws {
        guard (1...1_000).contains(calls) else { throw ValidationError("--calls takes 1 to 1000") }
        guard (5...3_600).contains(seconds) else { throw ValidationError("--seconds takes 5 to 3600") }
    }

    func run() async throws {
        var options = LoadTest.Options()
        options.calls = calls
        options.seconds = seconds
        let report = try await LoadTest.run(options)
        let faults = report.failures + (onlyFrames ? [] : report.misses)
        if json {
            print(report.json.text)
        } else {
            for line in report.lines { print(line) }
            for fault in faults { print("FAILED: \(fault)") }
        }
        if !faults.isEmpty { throw ExitCode.failure }
    }
}
