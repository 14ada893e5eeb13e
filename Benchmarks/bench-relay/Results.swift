import RealtimeProtocol

/// What was measured of one subject.
struct Column {
    let name: String
    var runs: [Measurement]

    /// The median of the runs.
    func median(_ value: (Measurement) -> Double) -> Double {
        let sorted = runs.map(value).sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}

/// Several runs, for a person and for a machine.
struct Results {
    let load: LoadOptions
    let columns: [Column]

    /// One figure of every subject.
    struct Row {
        let name: String
        let values: [Double]
    }

    var failures: [String] {
        columns.flatMap { column in column.runs.flatMap { run in run.failures.map { "\(column.name): \($0)" } } }
    }

    /// The relay's figure against the floor's, when there is a floor.
    func ratio(_ row: Row) -> Double? {
        guard let index = columns.firstIndex(where: { $0.name == "floor" }), row.values[index] > 0 else { return nil }
        return row.values[0] / row.values[index]
    }

    var headline: String {
        var parts = [
            "\(load.calls) calls", "\(load.seconds) s", "\(load.tls ? "TLS" : "plain") towards the model",
            "\(load.loops) loop\(load.loops == 1 ? "" : "s")", "append \(load.appendMs) ms",
        ]
        if load.opus { parts.append("Opus, \(load.opusFrame) ms, complexity \(load.opusComplexity)") }
        if load.bargeIn > 0 { parts.append("barge-in every \(load.bargeIn) s") }
        if load.churn > 0 { parts.append("churn \(load.churn)/s") }
        return parts.joined(separator: ", ")
    }

    var rows: [Row] {
        func row(_ name: String, _ value: (Measurement) -> Double) -> Row {
            Row(name: name, values: columns.map { $0.median(value) })
        }
        var rows = [
            row("CPU per call-second, ms", \.cpuMilliseconds),
            row("calls on a core") { $0.cpuMilliseconds > 0 ? 1_000 / $0.cpuMilliseconds : 0 },
            row("memory per call above idle, KiB", \.kibibytesPerCall),
            row("idle, MiB") { Double($0.idle.residentBytes) / 1_048_576 },
        ]
        // Opus keeps no stamps: there is no latency to be read off it.
        for share in load.opus ? [] : ["p50", "p99", "p999", "max"] {
            rows.append(row("caller → model \(share), µs") { Double($0.latency($0.model, share)) })
        }
        for share in load.opus ? [] : ["p50", "p99", "p999", "max"] {
            rows.append(row("model → caller \(share), µs") { Double($0.latency($0.callers, share)) })
        }
        for share in ["p50", "p99"] {
            rows.append(
                row("set-up to first sound \(share), ms") {
                    Double($0.callers["setup_us"]?[share]?.integerValue ?? 0) / 1_000
                }
            )
        }
        if load.bargeIn > 0 { rows.append(row("interruptions") { Double($0.count("clears", $0.callers)) }) }
        if load.churn > 0 { rows.append(row("calls replaced") { Double($0.count("replaced", $0.callers)) }) }
        return rows + [
            row("frames lost, repeated, reordered") { Double($0.framesHurt) },
            row("frames checked") { Double($0.count("received")) },
            row("load generator, % of a core") { $0.generatorLoad * 100 },
        ]
    }

    /// What only the relay's own core can count.
    var coreLines: [String] {
        guard let counters = columns.first?.runs.last?.counters, counters.frames > 0 else { return [] }
        let opus = "packets: \(counters.opusIn) decoded, \(counters.opusOut) encoded, \(counters.opusInvalid) invalid"
        return (load.opus ? [opus] : []) + [
            "per media message of a caller: \(counters.writesPerFrame.hundredths) writes, \(counters.readsPerFrame.hundredths) reads",
            "longest turn of the loop \(counters.longestTurn) µs, \(counters.slowTurns) above 5 ms",
        ]
    }

    /// A table for the terminal.
    var lines: [String] {
        var head = "".padded(to: 36)
        for column in columns { head += column.name.padded(before: 12) }
        let hasRatio = columns.contains { $0.name == "floor" }
        if hasRatio { head += "ratio".padded(before: 12) }
        let table = rows.map { row in
            var line = row.name.padded(to: 36)
            for value in row.values { line += value.hundredths.padded(before: 12) }
            if let ratio = ratio(row) { line += ratio.hundredths.padded(before: 12) }
            return line
        }
        return [headline, head] + table + coreLines + failures.map { "FAILED: \($0)" }
    }

    var json: JSONValue {
        func object(_ run: Measurement) -> JSONValue {
            [
                "cpu_ms_per_call_second": .number(run.cpuMilliseconds), "kib_per_call": .number(run.kibibytesPerCall),
                "idle_bytes": .integer(Int64(run.idle.residentBytes)), "generator_load": .number(run.generatorLoad),
                "writes_per_frame": .number(run.counters.writesPerFrame),
                "reads_per_frame": .number(run.counters.readsPerFrame),
                "turn_longest_us": .integer(Int64(run.counters.longestTurn)), "callers": run.callers,
                "model": run.model, "failures": .array(run.failures.map(JSONValue.string)),
                "resident_bytes": .array(run.samples.map { .integer(Int64($0.residentBytes)) }),
                "cpu_seconds": .array(run.samples.map { .number($0.cpuSeconds) }),
            ]
        }
        let runs = Dictionary(
            uniqueKeysWithValues: columns.map { ($0.name, JSONValue.array($0.runs.map(object))) }
        )
        return [
            "calls": .integer(Int64(load.calls)), "seconds": .integer(Int64(load.seconds)), "tls": .bool(load.tls),
            "loops": .integer(Int64(load.loops)), "append_ms": .integer(Int64(load.appendMs)),
            "churn_per_second": .integer(Int64(load.churn)), "barge_in_seconds": .integer(Int64(load.bargeIn)),
            "debug_build": .bool(BenchRelay.debugNotice != nil), "relay": runs["relay"] ?? .array([]),
            "floor": runs["floor"] ?? .array([]), "other": runs["other"] ?? .array([]),
        ]
    }
}

extension Double {
    /// With two decimals.
    var hundredths: String {
        let scaled = Int((abs(self) * 100).rounded())
        let rest = String(scaled % 100)
        return "\(self < 0 ? "-" : "")\(scaled / 100).\(String(repeating: "0", count: 2 - rest.count))\(rest)"
    }
}

extension String {
    func padded(to count: Int) -> String {
        self + String(repeating: " ", count: max(1, count - self.count))
    }

    func padded(before count: Int) -> String {
        String(repeating: " ", count: max(1, count - self.count)) + self
    }
}
