import ArgumentParser
import FoundationEssentials
import Glibc
import RealtimeProtocol

/// What an endurance run found, for the terminal and for a file that is kept.
struct Findings {
    private let title: String
    private(set) var lines: [String] = []
    private(set) var failures: [String] = []

    init(_ title: String) { self.title = title }

    mutating func note(_ line: String) {
        lines.append(line)
        print(line)
    }

    /// Notes a figure together with what it must be.
    mutating func expect(_ holds: Bool, _ line: String) {
        if !holds { failures.append(line) }
        note("\(holds ? "holds" : "FAILED"): \(line)")
    }

    /// Appends a section to a file of results, failures included, and fails the command when there were some.
    func finish(_ options: EnduranceOptions) throws {
        if let path = options.results {
            let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            let place = [Date.now.formatted(.iso8601), options.commit.map { "commit \($0)" }, Self.machine]
            let body = lines.map { "- \($0)\n" }.joined()
            let section = "\n## \(title)\n\n\(place.compactMap { $0 }.joined(separator: ", "))\n\n\(body)"
            try Data((old + section).utf8).write(to: URL(fileURLWithPath: path))
        }
        if !failures.isEmpty { throw ExitCode.failure }
    }

    /// The processor, its cores and the system.
    private static var machine: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        var system = utsname()
        uname(&system)
        let release = withUnsafeBytes(of: system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return "\(cores) cores\(model.map { " of" + $0 } ?? ""), Linux \(release)"
    }
}

/// Where results are kept.
struct EnduranceOptions: ParsableArguments {
    @Option(help: "Append the results to this file.")
    var results: String?

    @Option(help: "The commit, for that file.")
    var commit: String?
}

extension LoadOptions {
    /// A load that no user asked for; all else has its defaults.
    static func made(calls: Int, seconds: Int, ramp: Int, churn: Int = 0) throws -> LoadOptions {
        // Options that were not parsed have no values, not even those that are set after the initializer.
        try parse(["--calls", "\(calls)", "--seconds", "\(seconds)", "--ramp", "\(ramp)", "--churn", "\(churn)/s"])
    }
}

/// Many calls for a long time.
struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold many calls for a long time: nothing lost, memory flat."
    )

    @OptionGroup var options: EnduranceOptions
    @Option(help: "Calls at once.") var calls = 500
    @Option(help: "Seconds.") var seconds = 3_600

    func run() async throws {
        var findings = Findings("Soak: \(calls) calls for \(seconds) s")
        if let notice = BenchRelay.debugNotice { findings.note(notice) }
        let load = try LoadOptions.made(calls: calls, seconds: seconds, ramp: calls * 10)
        let run = try Session(load).measure(.relay)
        for failure in run.failures { findings.expect(false, failure) }
        findings.expect(
            run.framesHurt == 0,
            "\(run.framesHurt) of \(run.count("received")) frames lost or out of order"
        )
        // The first tenth fills caches; then the memory must stay.
        let settled = run.samples.dropFirst(max(5, run.samples.count / 10)).map(\.residentBytes)
        let first = settled.prefix(max(1, settled.count / 5)).max() ?? 0
        let last = settled.suffix(max(1, settled.count / 5)).max() ?? 0
        let growth = Double(last - first) / 1_024
        findings.expect(
            growth <= max(512, Double(first) / 1_024 * 0.01),
            "resident memory \(first / 1_048_576) MiB after the start, \(last / 1_048_576) MiB at the end: \(growth.hundredths) KiB more"
        )
        findings.note(
            "CPU \(run.cpuMilliseconds.hundredths) ms for a second of a call, \(run.kibibytesPerCall.hundredths) KiB each"
        )
        findings.note(
            "latency p99 \(run.latency(run.model, "p99")) µs to the model, \(run.latency(run.callers, "p99")) µs to the caller"
        )
        findings.note("longest turn of the loop \(run.counters.longestTurn) µs, \(run.counters.slowTurns) above 5 ms")
        try findings.finish(options)
    }
}

/// Calls that come and go.
struct Churn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace calls all the time, twice, on one relay: everything is given back."
    )

    @OptionGroup var options: EnduranceOptions
    @Option(help: "Calls that end and begin each second.") var rate = 50
    @Option(help: "Seconds that a call lasts.") var callSeconds = 10
    @Option(help: "Seconds of each of the two loads.") var seconds = 600
    @Option(help: "Percent by which the second load may need more memory than the first.") var growth = 2.0

    /// What must be exactly as it was when no call is left.
    private static let gauges = ["calls_open", "legs_open", "pool_blocks_in_use", "descriptors"]

    func run() async throws {
        var findings = Findings("Churn: \(rate) calls/s of \(callSeconds) s, twice \(seconds) s")
        if let notice = BenchRelay.debugNotice { findings.note(notice) }
        let ramp = callSeconds * 1_000
        let load = try LoadOptions.made(calls: rate * callSeconds, seconds: seconds, ramp: ramp, churn: rate)
        let session = try Session(load)
        defer { session.cleanUp() }
        let model = try session.startModel()
        let relay = try session.startRelay(try model.port())
        let address = Session.Address(port: try relay.port())
        let idle = ProcessUse(relay.pid)
        // A few calls first: what the runtime opens once, when it is first needed, is open then.
        let first = try Session(LoadOptions.made(calls: 5, seconds: 1, ramp: 100))
        defer { first.cleanUp() }
        _ = try first.follow(try first.startCallers(address), relay.pid, idle)
        let before = try Self.settle(relay)
        var heaps: [Int64] = []
        var peaks: [Int] = []
        for number in 1...2 {
            tellUser("load \(number) of 2\n")
            let run = try session.follow(try session.startCallers(address), relay.pid, idle)
            for failure in run.failures { findings.expect(false, "load \(number): \(failure)") }
            peaks.append(run.samples.map(\.residentBytes).max() ?? 0)
            let after = try Self.settle(relay)
            heaps.append(after["heap_bytes"]?.integerValue ?? 0)
            let gauges = Self.gauges.map { ($0, before[$0]?.integerValue ?? -1, after[$0]?.integerValue ?? -1) }
            findings.expect(
                gauges.allSatisfy { $0.1 == $0.2 },
                "load \(number): \(gauges.map { "\($0.0) \($0.1) → \($0.2)" }.joined(separator: ", "))"
            )
            findings.note(
                "load \(number): \(run.count("opened", run.callers)) calls, \(run.count("replaced", run.callers)) replaced"
            )
        }
        let calls = Double(rate * seconds)
        let perCall = Double(heaps[1] - heaps[0]) / calls
        findings.expect(
            perCall < 64,
            "heap without the pool \(heaps[0]) → \(heaps[1]) bytes over the second load: \(perCall.hundredths) for each call"
        )
        let grown = Double(peaks[1] - peaks[0]) / Double(peaks[0]) * 100
        findings.expect(
            grown < growth,
            "highest resident memory \(peaks[0] / 1_024) → \(peaks[1] / 1_024) KiB: \(grown.hundredths) %"
        )
        relay.terminate()
        model.terminate()
        try findings.finish(options)
    }

    /// Waits up to ten seconds until the relay has no call left.
    private static func settle(_ relay: Child) throws -> JSONValue {
        var counters = try relay.counters()
        for _ in 0..<100 where (counters["legs_open"]?.integerValue ?? 0) > 0 {
            usleep(100_000)
            counters = try relay.counters()
        }
        return counters
    }
}
