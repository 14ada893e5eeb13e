import RealtimeProtocol

/// What one run measured.
struct Measurement {
    let calls: Int
    let callers: JSONValue
    let idle: ProcessUse
    let first: ProcessUse
    let last: ProcessUse
    var model: JSONValue = .null
    var counters: [Int] = []

    /// CPU of the relay for a second of one call, milliseconds.
    var cpuMilliseconds: Double {
        let seconds = last.at - first.at
        return seconds > 0 ? (last.cpuSeconds - first.cpuSeconds) * 1_000 / seconds / Double(calls) : 0
    }

    /// Resident memory for a call above idle, KiB.
    var kibibytesPerCall: Double { Double(last.residentBytes - idle.residentBytes) / 1_024 / Double(calls) }

    /// The share of a core that the busier process of the load used.
    var generatorLoad: Double {
        [callers, model].map { report in
            let seconds = report["seconds"]?.doubleValue ?? 0
            return seconds > 0 ? (report["cpu_seconds"]?.doubleValue ?? 0) / seconds : 0
        }.max() ?? 0
    }

    func count(_ name: String) -> Int { count(name, callers) + count(name, model) }

    func count(_ name: String, _ report: JSONValue) -> Int { Int(report[name]?.integerValue ?? 0) }

    func latency(_ report: JSONValue, _ share: String) -> Int {
        Int(report["latency_us"]?[share]?.integerValue ?? 0)
    }

    /// Writes of the relay for each media message in either direction.
    var writesPerFrame: Double? {
        guard counters.count >= 4 else { return nil }
        var writes = 0
        var frames = 0
        for loop in stride(from: 0, to: counters.count - 3, by: 4) {
            writes += counters[loop]
            frames += counters[loop + 2] + counters[loop + 3]
        }
        return frames > 0 ? Double(writes) / Double(frames) : nil
    }

    /// What makes the run worthless or bad.
    var failures: [String] {
        var failures: [String] = []
        if count("opened", callers) < calls {
            failures.append("\(calls - count("opened", callers)) calls did not open")
        }
        let faults = count("lost") + count("repeated") + count("reordered")
        if faults > 0 { failures.append("\(faults) frames lost, repeated or reordered") }
        if generatorLoad > 0.7 { failures.append("void: the load generator used \(percent(generatorLoad)) of a core") }
        return failures
    }
}

/// Several runs, for a person and for a machine.
struct Report {
    let load: LoadOptions
    let relays: [Measurement]
    let floors: [Measurement]

    var failures: [String] { (relays + floors).flatMap(\.failures) }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }

    var lines: [String] {
        var lines = [
            "\(load.calls) calls, \(load.seconds) s, \(load.tls ? "TLS" : "plain") towards the model, \(load.loops) loop(s), append \(load.appendMs) ms",
            "                                       relay" + (floors.isEmpty ? "" : "       floor       ratio"),
        ]
        add("CPU per call-second, ms", &lines, \.cpuMilliseconds)
        add("memory per call above idle, KiB", &lines, \.kibibytesPerCall)
        add("idle, MiB", &lines) { Double($0.idle.residentBytes) / 1_048_576 }
        add("calls on a core", &lines) { $0.cpuMilliseconds > 0 ? 1_000 / $0.cpuMilliseconds : 0 }
        for share in ["p50", "p99", "p999", "max"] {
            add("caller → model \(share), µs", &lines) { Double($0.latency($0.model, share)) }
        }
        for share in ["p50", "p99", "p999", "max"] {
            add("model → caller \(share), µs", &lines) { Double($0.latency($0.callers, share)) }
        }
        add("set-up to first sound p50, ms", &lines) {
            Double($0.callers["setup_us"]?["p50"]?.integerValue ?? 0) / 1_000
        }
        add("frames lost, repeated, reordered", &lines) {
            Double($0.count("lost") + $0.count("repeated") + $0.count("reordered"))
        }
        add("frames checked", &lines) { Double($0.count("received")) }
        add("load generator, % of a core", &lines) { $0.generatorLoad * 100 }
        if let writes = relays.last?.writesPerFrame { lines.append("writes per media message: \(hundredths(writes))") }
        return lines + failures.map { "FAILED: \($0)" }
    }

    private func add(_ name: String, _ lines: inout [String], _ value: (Measurement) -> Double) {
        let relay = median(relays.map(value))
        var line = name.padded(to: 34) + hundredths(relay).padded(before: 10)
        if !floors.isEmpty {
            let floor = median(floors.map(value))
            line += hundredths(floor).padded(before: 12)
            if floor > 0 { line += hundredths(relay / floor).padded(before: 12) }
        }
        lines.append(line)
    }

    var json: JSONValue {
        func object(_ measurement: Measurement) -> JSONValue {
            [
                "cpu_ms_per_call_second": .number(measurement.cpuMilliseconds),
                "kib_per_call": .number(measurement.kibibytesPerCall),
                "idle_bytes": .integer(Int64(measurement.idle.residentBytes)),
                "generator_load": .number(measurement.generatorLoad), "callers": measurement.callers,
                "model": measurement.model, "failures": .array(measurement.failures.map(JSONValue.string)),
            ]
        }
        return [
            "calls": .integer(Int64(load.calls)), "seconds": .integer(Int64(load.seconds)), "tls": .bool(load.tls),
            "relays": .array(relays.map(object)), "floors": .array(floors.map(object)),
        ]
    }
}

private func percent(_ share: Double) -> String { "\(Int(share * 100)) %" }

private func hundredths(_ value: Double) -> String {
    let scaled = Int((abs(value) * 100).rounded())
    let rest = String(scaled % 100)
    return "\(value < 0 ? "-" : "")\(scaled / 100).\(String(repeating: "0", count: 2 - rest.count))\(rest)"
}

extension String {
    fileprivate func padded(to count: Int) -> String {
        self + String(repeating: " ", count: max(1, count - self.count))
    }

    fileprivate func padded(before count: Int) -> String {
        String(repeating: " ", count: max(1, count - self.count)) + self
    }
}
