import ArgumentParser
import FoundationEssentials
import Glibc
import RealtimeProtocol
import Trunk

/// Runs relays one after the other and prints them side by side.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure (the default).")

    @OptionGroup var load: LoadOptions

    @Flag(help: "Measure a minimal C relay in the same session and print the ratio.")
    var floor = false

    @Option(help: "Rounds of all that is measured; the medians are printed.")
    var pairs = 1

    @Option(
        help: """
            Another bridge on this machine, such as ws://127.0.0.1:5050/media-stream, measured beside the relay; give \
            --pid, and --model-port, which that bridge dials as ws://127.0.0.1:PORT/v1/realtime.
            """
    )
    var against: String?

    @Option(help: "The process of that bridge.")
    var pid: Int32?

    @Option(help: "The port of the model's process.")
    var modelPort: Int = 0

    @Option(help: "Keep the model's certificate in this folder, for a bridge that dials it over TLS.")
    var certificates: String?

    @Option(help: "Write the results as JSON.")
    var json: String?

    @Option(help: "Write a page with charts: one HTML file that needs nothing else.")
    var report: String?

    func validate() throws {
        guard (against == nil) == (pid == nil) else { throw ValidationError("--against and --pid need each other") }
        guard (1...99).contains(pairs) else { throw ValidationError("--pairs takes 1 to 99") }
        guard (0...65_535).contains(modelPort) else { throw ValidationError("--model-port takes 0 to 65535") }
        if against != nil, modelPort == 0 {
            throw ValidationError("--against needs --model-port, where the other bridge finds the model")
        }
        if against != nil, load.tls, certificates == nil {
            throw ValidationError("--against needs --no-tls, or --certificates FOLDER for that bridge to trust")
        }
        if load.opus, floor || against != nil { throw ValidationError("--opus measures the relay alone") }
        if let against { _ = try Session.address(against) }
        if let pid, kill(pid, 0) != 0 { throw ValidationError("--pid: there is no process \(pid)") }
    }

    func run() async throws {
        if let notice = BenchRelay.debugNotice { print(notice) }
        if load.opus, !OpusEncoder.isBuiltIn { throw ValidationError("--opus: this build is without Opus") }
        var subjects: [Session.Subject] = [.relay]
        if let against, let pid { subjects.append(.other(try Session.address(against), pid: pid)) }
        if floor { subjects.append(.floor) }
        var columns = subjects.map { Column(name: $0.name, runs: []) }
        for pair in 1...pairs {
            for (index, subject) in subjects.enumerated() {
                tellUser(
                    "\(subject.name)\(pairs > 1 ? ", \(pair) of \(pairs)" : ""): opening \(load.calls) calls, then \(load.seconds) s\n"
                )
                let session = try Session(load, modelPort: modelPort, certificates: certificates)
                columns[index].runs.append(try session.measure(subject))
            }
        }
        let results = Results(load: load, columns: columns)
        for line in results.lines { print(line) }
        if let json { try Data(results.json.encode()).write(to: URL(fileURLWithPath: json)) }
        if let report { try Data(Page(results).text.utf8).write(to: URL(fileURLWithPath: report)) }
        if !results.failures.isEmpty { throw ExitCode.failure }
    }
}

/// Progress, which goes to standard error.
func tellUser(_ text: String) {
    _ = write(STDERR_FILENO, text, text.utf8.count)
}
