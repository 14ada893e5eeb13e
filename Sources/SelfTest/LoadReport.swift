import RealtimeProtocol
import Simulators
import Trunk

/// What came out of many calls at once.
public struct LoadReport: Sendable {
    /// Calls at once.
    public let calls: Int
    /// How long each was to talk, seconds.
    public let seconds: Int
    /// Caller frames that the model got in order, and what went wrong with others.
    public private(set) var callerFrames = 0
    /// Caller frames lost, repeated, reordered or damaged.
    public private(set) var callerFaults = 0
    /// Agent frames that phones played.
    public private(set) var agentFrames = 0
    /// Agent frames lost, repeated, reordered or damaged.
    public private(set) var agentFaults = 0
    /// Answers that were heard to their end, and those that were interrupted.
    public private(set) var answersWhole = 0
    /// Answers that were interrupted.
    public private(set) var answersInterrupted = 0
    /// Answers that were not interrupted, and yet not heard whole.
    public private(set) var answersMissing = 0
    /// Entries of the model's log that were not kept: then the run says nothing.
    public private(set) var entriesDropped = 0
    /// Calls without one answer.
    public private(set) var silentCalls = 0
    /// Differences between what was reported as heard and what was heard, milliseconds, sorted.
    public private(set) var truncationErrors: [Int] = []
    /// Truncations that the model refused.
    public private(set) var truncationsRejected = 0
    /// From the model's `speech_started` to the phone's `clear`, microseconds, sorted.
    public private(set) var bargeIns: [Int] = []
    /// Most audio that ever waited at a phone, milliseconds.
    public private(set) var queuedMillisecondsHigh = 0
    /// Messages that Twilio would not have taken.
    public private(set) var invalidMessages = 0
    /// CPU of the server's thread for one second of one call, milliseconds.
    public private(set) var cpuMillisecondsPerCallSecond = 0.0
    /// Resident memory with all calls open beyond idle; the simulators' is in it.
    public var residentBytes = 0
    /// Loop turns that worked longer than 5 ms, and the longest.
    public private(set) var slowTurns = 0
    /// The longest turn, microseconds.
    public private(set) var longestTurn = 0
    /// Writes of the server for each media message in either direction.
    public private(set) var writesPerFrame = 0.0
    private var clears: [Int64] = []

    init(calls: Int, seconds: Int) {
        self.calls = calls
        self.seconds = seconds
    }

    /// Frames of a caller that were sent but had not reached the model when the call ended: the last read of a socket.
    private static let tailFrames = 10

    mutating func take(_ phone: PhoneReport, stream: UInt16, model: ModelLog) {
        let check = model.checks[stream] ?? PatternCheck()
        callerFrames += check.frames
        callerFaults += check.lost + check.repeated + check.reordered + check.foreign
        if phone.framesSent > check.frames + Self.tailFrames {
            callerFaults += phone.framesSent - check.frames - Self.tailFrames
        }
        for itemCheck in phone.checks.values {
            agentFrames += itemCheck.frames
            agentFaults += itemCheck.lost + itemCheck.repeated + itemCheck.reordered + itemCheck.foreign
        }
        if phone.answers.isEmpty { silentCalls += 1 }
        queuedMillisecondsHigh = max(queuedMillisecondsHigh, phone.queuedMillisecondsHigh)
        invalidMessages += phone.invalidMessages.count
        clears += phone.clears.map(\.at)
        heard.merge(phone.heardItems) { $0 + $1 }
    }

    private var heard: [UInt16: Int] = [:]

    mutating func take(_ model: ModelLog) {
        let numbers = model.itemNumbers
        var truncated: [String: Int] = [:]
        var starts: [Int64] = []
        for entry in model.entries {
            switch entry {
            case .truncated(_, let itemID, let milliseconds, _): truncated[itemID] = milliseconds
            case .truncationRejected: truncationsRejected += 1
            case .speechStarted(_, let at): starts.append(at)
            default: break
            }
        }
        for (itemID, number) in numbers {
            let milliseconds = (heard[number] ?? 0) / MuLaw.bytesPerMillisecond
            if let reported = truncated[itemID] {
                truncationErrors.append(reported - milliseconds)
                answersInterrupted += 1
            } else if milliseconds > 0, milliseconds == model.sentMilliseconds[itemID] {
                answersWhole += 1
            } else {
                // Neither cut nor heard to its end: its tail, or all of it, is missing.
                answersMissing += 1
            }
        }
        entriesDropped = model.dropped
        truncationErrors.sort()
        starts.sort()
        // Each clear follows the latest speech before it; with many calls the nearest start is taken.
        bargeIns = clears.compactMap { clear in
            starts.last { $0 <= clear }.map { Int(clear - $0) }
        }.sorted()
    }

    mutating func take(before: LoadProbe, after: LoadProbe) {
        let frames = after.stats.carrierFramesIn + after.stats.carrierFramesOut
        let audioSeconds = Double(after.stats.carrierFramesIn) * 0.02
        let cpu = Double(after.cpuMicroseconds - before.cpuMicroseconds) / 1_000
        cpuMillisecondsPerCallSecond = audioSeconds > 0 ? cpu / audioSeconds : 0
        slowTurns = Int(after.stats.turnsOver5Milliseconds)
        longestTurn = Int(after.stats.turnLongestMicroseconds)
        writesPerFrame = frames > 0 ? Double(after.stats.writes) / Double(frames) : 0
    }

    /// What did not go as it must; empty when all did.
    public var failures: [String] {
        var failures: [String] = []
        if callerFaults > 0 { failures.append("\(callerFaults) caller frames lost, repeated or reordered") }
        if agentFaults > 0 { failures.append("\(agentFaults) agent frames lost, repeated or reordered") }
        if silentCalls > 0 { failures.append("\(silentCalls) calls got no answer") }
        if truncationsRejected > 0 { failures.append("\(truncationsRejected) truncations rejected") }
        if invalidMessages > 0 { failures.append("\(invalidMessages) messages that Twilio would not take") }
        if answersMissing > 0 { failures.append("\(answersMissing) answers not heard to their end") }
        if entriesDropped > 0 { failures.append("the model's log was too small for this run") }
        if callerFrames == 0 || agentFrames == 0 { failures.append("no audio went through") }
        return failures
    }

    /// What was slower or less exact than it must be; a busy machine can cause it.
    public var misses: [String] {
        var misses: [String] = []
        let error = Self.percentile(truncationErrors.map(abs).sorted(), 0.99)
        if error > Demo.truncationTolerance { misses.append("truncation p99 is \(error) ms, 40 ms are allowed") }
        if queuedMillisecondsHigh > 400 { misses.append("\(queuedMillisecondsHigh) ms at a phone, 400 ms are allowed") }
        return misses
    }

    /// The value below which a share of sorted values lies.
    static func percentile(_ sorted: [Int], _ share: Double) -> Int {
        sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
}
