import CallBridge
import SelfTest
import TestSupport
import Testing
import Trunk

/// What the server counts of hostile phones. The witness moves none of these.
enum Counter: String, CaseIterable {
    case upgradesRefused, headTimeouts, protocolErrors, limitCloses, deadPeers
    case json, base64, binary, order, unknown
    case legsRefusedAddress, legsRefusedFull, acceptFailures, pongsDropped
    case startsUnannounced, mediaOtherTrack, mediaFloods, mediaTimeouts, digitsInvalid, digitsOver
    case sequenceRepeats, sequenceGaps, timestampFaults, marksStale
    case startTimeout, startMessage, duplicate

    /// All of them now.
    static func all(of rig: Rig) async -> [Counter: Int] {
        let stats = await rig.server.stats
        let refusals = rig.admission.refusals
        func malformed(_ reason: MalformedReason) -> UInt64 { stats.malformed[reason] ?? 0 }
        return [
            .upgradesRefused: stats.upgradesRefused, .headTimeouts: stats.headTimeouts,
            .protocolErrors: stats.protocolErrors, .limitCloses: stats.limitCloses, .deadPeers: stats.deadPeers,
            .json: malformed(.json), .base64: malformed(.base64), .binary: malformed(.binary),
            .order: malformed(.order), .unknown: malformed(.unknown),
            .legsRefusedAddress: stats.legsRefusedAddress, .legsRefusedFull: stats.legsRefusedFull,
            .acceptFailures: stats.acceptFailures, .pongsDropped: stats.pongsDropped,
            .startsUnannounced: stats.startsUnannounced, .mediaOtherTrack: stats.mediaOtherTrack,
            .mediaFloods: stats.mediaFloods, .mediaTimeouts: stats.mediaTimeouts,
            .digitsInvalid: stats.digitsInvalid, .digitsOver: stats.digitsOver,
            .sequenceRepeats: stats.sequenceRepeats, .sequenceGaps: stats.sequenceGaps,
            .timestampFaults: stats.timestampFaults, .marksStale: stats.marksStale,
        ].mapValues { Int($0) }.merging(
            [
                .startTimeout: refusals[.startTimeout] ?? 0, .startMessage: refusals[.startMessage] ?? 0,
                .duplicate: refusals[.duplicate] ?? 0,
            ]
        ) { $1 }
    }

    /// What has moved since.
    static func moved(from before: [Counter: Int], on rig: Rig) async -> [Counter: Int] {
        let after = await all(of: rig)
        return after.merging(before) { $0 - $1 }.filter { $0.value != 0 }
    }
}

/// What a hostile phone gets.
enum Outcome: Equatable, Sendable, CustomStringConvertible {
    /// An HTTP status, and the end.
    case http(Int)
    /// An upgrade, then this close code. 1000 is the echo of our own: the server went on until then.
    case close(Int)
    /// The end, without a word.
    case dropped
    /// An upgrade, then the end without a close frame.
    case broken

    init(_ answer: RawAnswer) {
        switch (answer.status, answer.closeCode) {
        case (101, let code?): self = .close(code)
        case (101, nil): self = .broken
        case (let status?, _): self = .http(status)
        case (nil, _): self = .dropped
        }
    }

    var description: String {
        switch self {
        case .http(let status): "HTTP \(status)"
        case .close(let code): "close \(code)"
        case .dropped: "dropped"
        case .broken: "broken"
        }
    }
}

/// One hostile phone: what it sends, what it gets, and what the server counts of it.
struct HostileCase: Sendable {
    /// How the bytes go out.
    enum Delivery: Sendable {
        case atOnce
        case byteByByte
    }

    var id: String
    var what: String
    var bytes: [UInt8]
    var outcome: Outcome
    var counters: [Counter: Int]
    var delivery = Delivery.atOnce
    /// Our half is closed behind the bytes.
    var finishes = false
    /// The call's frames that the server took; nil when no call comes to be.
    var frames: Int?
    /// More to look at in the answer.
    var check: (@Sendable (RawAnswer) -> Bool)?

    init(
        _ id: String,
        _ what: String,
        _ bytes: [UInt8],
        _ outcome: Outcome,
        _ counters: [Counter: Int] = [:],
        check: (@Sendable (RawAnswer) -> Bool)? = nil
    ) {
        self.id = id
        self.what = what
        self.bytes = bytes
        self.outcome = outcome
        self.counters = counters
        self.check = check
    }

    /// Sends and waits for the end.
    func run(port: Int) async throws -> RawAnswer {
        let client = try RawClient(port: port)
        switch delivery {
        case .atOnce: client.send(bytes)
        case .byteByByte: await client.sendByteByByte(bytes)
        }
        if finishes { client.finish() }
        return await client.answer()
    }
}

/// Runs tables beside a witness.
enum HostileTable {
    /// One case after the other, each with its exact counters; then every connection and call is gone.
    static func run(_ cases: [HostileCase], turns: Int = 1, _ change: (inout Rig.Setup) -> Void = { _ in }) async throws
    {
        let rig = try await Witness.rig(change)
        let witness = try await Witness(on: rig, turns: turns)
        for hostile in cases {
            let before = await Counter.all(of: rig)
            let answer = try await hostile.run(port: rig.serverPort)
            let label: Comment = "\(hostile.id): \(hostile.what)"
            #expect(Outcome(answer) == hostile.outcome, label)
            #expect(await Counter.moved(from: before, on: rig) == hostile.counters, label)
            if let check = hostile.check { #expect(check(answer), label) }
            guard let frames = hostile.frames else { continue }
            await rig.waitForEnding(of: "CA-\(hostile.id)")
            #expect(rig.ending(of: "CA-\(hostile.id)")?.stats.framesIn == UInt64(frames), label)
        }
        await witness.isUnharmed(turns: turns)
        await end(rig)
    }

    /// Expects that nothing is left of anybody, and stops the rig.
    static func end(_ rig: Rig) async {
        await Patience.wait { await rig.server.perform { $0.stats.legsOpen + $0.stats.callsOpen == 0 } }
        let stats = await rig.server.stats
        #expect(stats.poolBlocksInUse == 0)
        #expect(stats.eventsLost == 0)
        await rig.stop()
    }
}
