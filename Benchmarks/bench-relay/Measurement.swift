import RealtimeProtocol

/// What one run measured.
struct Measurement {
    let load: LoadOptions
    /// The reports of the load's processes.
    let callers: JSONValue
    var model: JSONValue = .null
    /// Before the first call, and then once a second.
    let idle: ProcessUse
    let samples: [ProcessUse]
    /// Of the relay's core; nothing for others.
    var counters = Counters()

    init(load: LoadOptions, callers: JSONValue, idle: ProcessUse, samples: [ProcessUse]) {
        self.load = load
        self.callers = callers
        self.idle = idle
        self.samples = samples
    }

    /// CPU of the relay for a second of one call, milliseconds.
    var cpuMilliseconds: Double {
        guard let first = samples.first, let last = samples.last, last.at > first.at else { return 0 }
        return (last.cpuSeconds - first.cpuSeconds) * 1_000 / (last.at - first.at) / Double(load.calls)
    }

    /// Resident memory for a call above idle, KiB.
    var kibibytesPerCall: Double {
        Double((samples.last ?? idle).residentBytes - idle.residentBytes) / 1_024 / Double(load.calls)
    }

    /// The share of a core that the busier process of the load used.
    var generatorLoad: Double {
        [callers, model].map { report in
            let seconds = report["seconds"]?.doubleValue ?? 0
            return seconds > 0 ? (report["cpu_seconds"]?.doubleValue ?? 0) / seconds : 0
        }.max() ?? 0
    }

    /// Of both directions.
    func count(_ name: String) -> Int { count(name, callers) + count(name, model) }

    func count(_ name: String, _ report: JSONValue) -> Int { Int(report[name]?.integerValue ?? 0) }

    var framesHurt: Int { count("lost") + count("repeated") + count("reordered") }

    /// Microseconds that this share of the frames did not exceed.
    func latency(_ report: JSONValue, _ share: String) -> Int {
        Int(report["latency_us"]?[share]?.integerValue ?? 0)
    }

    /// What makes the run worthless or bad.
    var failures: [String] {
        var failures: [String] = []
        let dialled = load.calls + count("replaced", callers)
        // A call that is replaced or ended before it heard something is no failure: the last second's may be.
        let missing = dialled - load.churn - count("opened", callers)
        if missing > 0 { failures.append("\(missing) calls did not open") }
        if count("failed", callers) > 0 { failures.append("\(count("failed", callers)) calls broke") }
        if framesHurt > 0 { failures.append("\(framesHurt) frames lost, repeated or reordered") }
        if load.opus {
            let unheard = count("sent", callers) - counters.opusIn
            if unheard > 0 { failures.append("\(unheard) packets of devices were not decoded") }
            if counters.opusInvalid > 0 { failures.append("\(counters.opusInvalid) packets were no Opus") }
            let dropped = counters.callerDroppedMilliseconds
            if dropped > 0 { failures.append("\(dropped) ms of callers' audio dropped") }
        }
        if generatorLoad > 0.7 {
            failures.append("void: the load generator used \(Int(generatorLoad * 100)) % of a core")
        }
        return failures
    }
}

/// What the relay's core counted between two moments.
struct Counters {
    private(set) var writes = 0
    private(set) var reads = 0
    private(set) var frames = 0
    private(set) var longestTurn = 0
    private(set) var slowTurns = 0
    private(set) var opusIn = 0
    private(set) var opusOut = 0
    private(set) var opusInvalid = 0
    private(set) var callerDroppedMilliseconds = 0

    init() {}

    init(_ now: JSONValue, since before: JSONValue) {
        func counted(_ name: String) -> Int {
            Int((now[name]?.integerValue ?? 0) - (before[name]?.integerValue ?? 0))
        }
        writes = counted("writes")
        reads = counted("reads")
        frames = counted("carrier_frames_in") + counted("carrier_frames_out")
        opusIn = counted("opus_in")
        opusOut = counted("opus_out")
        opusInvalid = counted("opus_invalid")
        callerDroppedMilliseconds = counted("caller_dropped_ms")
        slowTurns = counted("turns_over_5ms")
        longestTurn = Int(now["turn_longest_us"]?.integerValue ?? 0)
    }

    /// Writes for each media message of a caller, in either direction.
    var writesPerFrame: Double { frames > 0 ? Double(writes) / Double(frames) : 0 }
    var readsPerFrame: Double { frames > 0 ? Double(reads) / Double(frames) : 0 }
}
