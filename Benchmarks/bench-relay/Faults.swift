import ArgumentParser
import CBench
import Glibc
import RealtimeProtocol

/// A bad network and a model that dies.
struct Faults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hurt the connections to the model, then kill the model under many calls."
    )

    @OptionGroup var options: EnduranceOptions
    @Option(help: "Calls through the bad network.") var calls = 30
    @Option(help: "Calls while the model is killed.") var killedCalls = 300

    @Option(help: "Milliseconds after the model's return within which all calls must talk again.")
    var within = 3_000

    /// What the network between relay and model does.
    private struct Weather {
        let name: String
        var arguments: [String] = []
        /// Whether the connection goes on, so that no frame may be lost.
        var isHarmless = false
        var seconds = 10
    }

    private static func strike(_ name: String, _ fault: bench_fault, seconds: Int = 10) -> Weather {
        Weather(
            name: name,
            arguments: ["--fault", "\(fault.rawValue)", "--fault-after", "2000", "--faulty-connections", "100000"],
            seconds: seconds
        )
    }

    private static let weathers = [
        Weather(name: "150 ms late both ways", arguments: ["--delay", "150"], isHarmless: true),
        Weather(name: "throttled to 30 KB/s", arguments: ["--rate", "30000"], isHarmless: true),
        strike("cut in mid-stream", BENCH_FAULT_CUT),
        strike("reset in mid-stream", BENCH_FAULT_RESET),
        strike("half-closed by the model", BENCH_FAULT_HALF_CLOSE),
        strike("one byte corrupted", BENCH_FAULT_CORRUPT),
        strike("silent for ever", BENCH_FAULT_SILENCE, seconds: 20),
    ]

    func run() async throws {
        var findings = Findings("Faults: \(calls) calls in a bad network; the model killed under \(killedCalls)")
        if let notice = BenchRelay.debugNotice { findings.note(notice) }
        for weather in Self.weathers { try through(weather, &findings) }
        try killed(&findings)
        try findings.finish(options)
    }

    private func through(_ weather: Weather, _ findings: inout Findings) throws {
        tellUser("\(weather.name)\n")
        let load = try LoadOptions.made(calls: calls, seconds: weather.seconds, ramp: 1_000)
        let session = try Session(load)
        defer { session.cleanUp() }
        let model = try session.startModel()
        var arguments = ["proxy", "--target-port", "\(try model.port())"] + weather.arguments
        // Each call's first connection is struck, and no later one.
        if let last = arguments.lastIndex(of: "100000") { arguments[last] = "\(calls)" }
        let proxy = try Child(arguments)
        let relay = try session.startRelay(try proxy.port())
        let callers = try session.startCallers(
            Session.Address(port: try relay.port()),
            followsLosses: !weather.isHarmless
        )
        var talking = 0
        var report = JSONValue.null
        while let line = callers.line() {
            let words = line.split(separator: " ")
            if words.first == "talking" { talking = Int(words.last ?? "") ?? 0 }
            if words.first?.hasPrefix("{") == true { report = try JSONValue(parsing: line) }
        }
        let counters = try relay.counters()
        relay.terminate()
        proxy.terminate()
        let heard = try model.finish()
        let broken = report["failed"]?.integerValue ?? -1
        if weather.isHarmless {
            let hurt = [report, heard].flatMap { side in
                ["lost", "repeated", "reordered"].map { side[$0]?.integerValue ?? -1 }
            }
            findings.expect(
                hurt.allSatisfy { $0 == 0 } && broken == 0 && report["opened"]?.integerValue == Int64(calls),
                "\(weather.name): \(hurt.reduce(0, +)) frames lost or out of order, \(broken) calls broken"
            )
        } else {
            findings.expect(
                talking == calls && broken == 0,
                "\(weather.name): \(talking) of \(calls) calls talk at the end, \(broken) broken, \(counters["legs_dialled"]?.integerValue ?? 0) connections dialled"
            )
        }
    }

    private func killed(_ findings: inout Findings) throws {
        tellUser("the model killed under \(killedCalls) calls\n")
        let load = try LoadOptions.made(calls: killedCalls, seconds: 16, ramp: 3_000)
        let session = try Session(load)
        defer { session.cleanUp() }
        var model = try session.startModel()
        let modelPort = try model.port()
        let relay = try session.startRelay(modelPort)
        let callers = try session.startCallers(Session.Address(port: try relay.port()), followsLosses: true)
        var returnedAt: Int?
        var allTalkingAt: Int?
        var dials: [(at: Int, count: Int64)] = []
        var report = JSONValue.null
        var isKilled = false
        while let line = callers.line() {
            let words = line.split(separator: " ")
            if words.first?.hasPrefix("{") == true { report = try JSONValue(parsing: line) }
            guard words.first == "talking", let passed = Int(words[1]), let talking = Int(words[2]) else { continue }
            dials.append((passed, try relay.counters()["legs_dialled"]?.integerValue ?? 0))
            if passed > 3_000, !isKilled {
                isKilled = true
                kill(model.pid, SIGKILL)
                model.terminate()
            } else if passed > 6_000, returnedAt == nil {
                model = try session.startModel(port: modelPort)
                _ = try model.port()
                returnedAt = passed
            } else if let returnedAt, allTalkingAt == nil, talking == killedCalls, passed > returnedAt + 400 {
                allTalkingAt = passed
            }
        }
        let took = returnedAt.flatMap { from in allTalkingAt.map { $0 - from } }
        findings.expect(
            (took ?? .max) <= within,
            "model killed for 3 s: all \(killedCalls) calls talk again \(took.map { "\($0) ms" } ?? "never") after its return"
        )
        let broken = report["failed"]?.integerValue ?? -1
        findings.expect(broken == 0, "model killed: \(broken) calls broken")
        let rates = dials.map { from in
            (dials.last { $0.at <= from.at + 1_000 }?.count ?? from.count) - from.count
        }
        findings.note("model killed: at most \(rates.max() ?? 0) connections dialled within a second")
        relay.terminate()
        model.terminate()
    }
}
