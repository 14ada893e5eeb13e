import Trunk

/// What a simulated caller hears: the recording, how much of which pattern item, and when the agent spoke.
struct PhoneHearing: Sendable {
    private let records: Bool
    private var heard: [UInt8] = []
    private var items: [UInt16: Int] = [:]
    private var checks: [UInt16: PatternCheck] = [:]
    private var partial: [UInt8] = []
    private var playing: UInt16?
    private var lateAtCut: [UInt16: Int64] = [:]
    private var answers: [PhoneReport.Answer] = []
    private var wasCleared = false
    private var lastPlayed: Int64 = 0
    /// Bytes of agent audio played so far.
    private(set) var audibleBytes = 0

    /// Silence that separates two answers, microseconds.
    private static let pause: Int64 = 400_000

    init(records: Bool) { self.records = records }

    func silentMilliseconds(at now: Int64) -> Int { Int((now - lastPlayed) / 1_000) }

    /// Takes what was played up to `now`.
    mutating func take(_ bytes: [UInt8], until now: Int64, startedAt: Int64) {
        guard !bytes.isEmpty else { return }
        let length = Int64(bytes.count) * 1_000 / Int64(MuLaw.bytesPerMillisecond)
        if records { align(to: Int((now - length - startedAt) / 1_000) * MuLaw.bytesPerMillisecond) }
        if records { heard.append(contentsOf: bytes) }
        if let last = answers.last, now - length - last.ended < Self.pause, !wasCleared {
            answers[answers.count - 1].ended = now
            answers[answers.count - 1].bytes += bytes.count
        } else {
            answers.append(.init(began: now - length, ended: now, bytes: bytes.count))
        }
        wasCleared = false
        lastPlayed = now
        audibleBytes += bytes.count
        partial.append(contentsOf: bytes)
        while partial.count >= PatternFrame.byteCount { takeFrame() }
    }

    /// The phone's queue was cleared: a frame that was cut is never finished, but counts as far as it was heard.
    mutating func cleared(late: Int64) {
        if let frame = frame(startingWith: partial) {
            items[frame.item, default: 0] += partial.count
            playing = frame.item
        }
        if let playing { lateAtCut[playing] = late }
        partial = []
        wasCleared = true
    }

    mutating func write(to report: inout PhoneReport) {
        report.heard = heard
        report.heardItems = items
        if let frame = frame(startingWith: partial) { report.heardItems[frame.item, default: 0] += partial.count }
        report.lateAtCut = lateAtCut
        report.checks = checks
        report.answers = answers
    }

    private mutating func takeFrame() {
        let bytes = Array(partial.prefix(PatternFrame.byteCount))
        partial.removeFirst(PatternFrame.byteCount)
        guard let frame = PatternFrame(bytes) else { return }
        items[frame.item, default: 0] += bytes.count
        playing = frame.item
        checks[frame.item, default: PatternCheck()].take(frame, stream: frame.stream)
    }

    /// The frame that a beginning of one belongs to; 16 bytes tell it.
    private func frame(startingWith bytes: [UInt8]) -> PatternFrame? {
        guard bytes.count >= 16 else { return nil }
        return PatternFrame((0..<PatternFrame.byteCount).map { bytes[$0 % 16] })
    }

    /// Fills the recording with silence up to a position, so that it stays aligned with what was said.
    private mutating func align(to position: Int) {
        // Rounding to milliseconds must not open gaps within speech.
        let tolerance = 5 * MuLaw.bytesPerMillisecond
        if position > heard.count + tolerance {
            heard.append(contentsOf: repeatElement(MuLaw.silence, count: position - heard.count))
        }
    }
}
