import CallBridge
import CallPolicy
import Glibc
import RealtimeProtocol
import Trunk

/// What the machine, the calls and the model are like; looked at in the background, so that an answer costs nothing.
final class HealthMonitor: Sendable {
    /// How well something is; the worst counts.
    enum Status: String, Sendable, Comparable {
        case healthy, warning, critical

        private var rank: Int { self == .healthy ? 0 : self == .warning ? 1 : 2 }
        static func < (left: Status, right: Status) -> Bool { left.rank < right.rank }

        /// Above these figures something is a warning, and critical.
        static func of(_ value: Double, warning: Double, critical: Double = .infinity) -> Status {
            value > critical ? .critical : value > warning ? .warning : .healthy
        }
    }

    /// The figures of one look, in percent and GiB.
    struct Machine: Sendable {
        var cpu = 0.0
        var memory = 0.0
        var disk = 0.0
        var availableGiB = 0.0
    }

    /// Errors that are remembered.
    static let errorsKept = 100
    /// Of them, those that are shown.
    static let errorsShown = 5

    private struct State {
        var machine = Machine()
        var busy: UInt64 = 0
        var total: UInt64 = 0
        var errors: [(at: Int64, kind: String, words: String)] = []
        var counts: [String: Int] = [:]
        var errorTotal = 0
    }

    private let state = Locked(State())
    private let admission: ModelAdmission
    private let callsMax: Int

    init(_ admission: ModelAdmission, callsMax: Int) {
        self.admission = admission
        self.callsMax = callsMax
        look()
    }

    /// Looks again and again, until it is cancelled.
    func run(everySeconds seconds: Int) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(seconds))
            look()
        }
    }

    /// Remembers what went wrong in a call. The words of others stay out: they may hold what is not for all.
    func note(_ record: CallRecord) {
        switch record.kind {
        case .event(.warning(let kind, _)): add("warning:\(kind.rawValue)", "call \(record.callSID)")
        case .event(.modelLost(_, let close, lost: true)): add("model_lost:\(close.code)", "call \(record.callSID)")
        case .ended(let reason, .system, _), .ended(let reason, .model, _):
            add("call_ended:\(reason.rawValue)", "call \(record.callSID)")
        default: break
        }
    }

    private func add(_ kind: String, _ words: String) {
        state.withLock { state in
            state.errorTotal += 1
            if state.counts[kind] != nil || state.counts.count < Self.errorsKept { state.counts[kind, default: 0] += 1 }
            state.errors.append((Timestamp.now, kind, words))
            if state.errors.count > Self.errorsKept { state.errors.removeFirst() }
        }
    }

    /// The report, and whether it is one of ill health. Details are for those who may see them.
    func report(calls: Int, withDetails: Bool) -> (json: JSONValue, isCritical: Bool) {
        let (machine, errors, counts, total) = state.withLock { ($0.machine, $0.errors, $0.counts, $0.errorTotal) }
        let services = [system(machine), phones(calls), model()]
        let overall = services.map(\.status).max() ?? .healthy
        let shown: [JSONValue] = services.map { service in
            [
                "service": .string(service.name), "status": .string(service.status.rawValue),
                "message": .string(service.words), "details": .object(withDetails ? service.details : [:]),
            ]
        }
        let recent: [JSONValue] = errors.suffix(Self.errorsShown).map { error in
            [
                "timestamp": .string(Timestamp.text(error.at)), "error": .string(error.kind),
                "context": .string(error.words),
            ]
        }
        let byKind = counts.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .integer(Int64($0.value)))
        }
        return (
            [
                "status": .string(overall.rawValue), "timestamp": .string(Timestamp.text(Timestamp.now)),
                "services": .array(shown),
                "errors": [
                    "total_errors": .integer(Int64(total)),
                    "error_counts": .object(JSONObject(withDetails ? byKind : [])),
                    "recent_errors": .array(withDetails ? recent : []),
                ],
            ], overall == .critical
        )
    }

    private typealias Service = (name: String, status: Status, words: String, details: JSONObject)

    private func system(_ machine: Machine) -> Service {
        let status = max(
            Status.of(machine.cpu, warning: 80),
            Status.of(machine.memory, warning: 85, critical: 95),
            Status.of(machine.disk, warning: 90, critical: 95)
        )
        let details: JSONObject = [
            "cpu_percent": .number(machine.cpu), "memory_percent": .number(machine.memory),
            "disk_percent": .number(machine.disk), "memory_available_gb": .number(machine.availableGiB),
        ]
        return ("system", status, "System resources", details)
    }

    private func phones(_ calls: Int) -> Service {
        let share = Double(calls) * 100 / Double(max(1, callsMax))
        let status = Status.of(share, warning: 80, critical: 99.9)
        let details: JSONObject = ["active_calls": .integer(Int64(calls)), "max_calls": .integer(Int64(callsMax))]
        return ("websocket", status, "\(calls) of \(callsMax) calls", details)
    }

    private func model() -> Service {
        let isRefusing = admission.isRefusing
        let stats = admission.stats
        let details: JSONObject = [
            "refusals": .integer(Int64(stats.openings)), "refused_calls": .integer(Int64(stats.refusedCalls)),
            "held_calls": .integer(Int64(stats.heldCalls)),
        ]
        return ("openai", isRefusing ? .critical : .healthy, isRefusing ? "The model refuses us" : "OK", details)
    }

    // MARK: - The machine

    private func look() {
        let (busy, total) = Self.processorTimes()
        var machine = Machine()
        (machine.memory, machine.availableGiB) = Self.memory()
        machine.disk = Self.disk()
        let seen = machine
        state.withLock { state in
            let spent = total - state.total
            state.machine = seen
            state.machine.cpu = spent > 0 ? Self.rounded(Double(busy - state.busy) * 100 / Double(spent)) : 0
            (state.busy, state.total) = (busy, total)
        }
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    /// The first lines of a file of the system (proc(5)).
    private static func lines(_ path: String) -> [Substring] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").map { $0 }
    }

    /// Ticks of all processors: busy, and in all. Idle time and waiting for disks are not busy.
    private static func processorTimes() -> (busy: UInt64, total: UInt64) {
        let ticks =
            lines("/proc/stat").first?.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) } ?? []
        guard ticks.count > 4 else { return (0, 0) }
        let total = ticks.reduce(0, +)
        return (total - ticks[3] - ticks[4], total)
    }

    private static func memory() -> (percent: Double, availableGiB: Double) {
        var values: [Substring: Double] = [:]
        for line in lines("/proc/meminfo") {
            let words = line.split { $0 == " " || $0 == ":" }
            if words.count > 1 { values[words[0]] = Double(words[1]) }
        }
        guard let total = values["MemTotal"], let available = values["MemAvailable"], total > 0 else { return (0, 0) }
        return (rounded((total - available) * 100 / total), rounded(available / 1_048_576))
    }

    private static func disk() -> Double {
        var stats = statvfs()
        guard statvfs("/", &stats) == 0, stats.f_blocks > 0 else { return 0 }
        return rounded(Double(stats.f_blocks - stats.f_bavail) * 100 / Double(stats.f_blocks))
    }
}
