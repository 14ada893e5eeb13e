internal import CTrunk

/// The counters of one loop. They only grow, but for the gauges that say "now".
public struct EngineStats: Sendable {
    /// Loop turns.
    public let turns: UInt64
    /// Turns whose work took longer than 5 ms.
    public let turnsOver5Milliseconds: UInt64
    /// The longest turn, microseconds.
    public let turnLongestMicroseconds: UInt64
    /// read(2) calls that brought bytes.
    public let reads: UInt64
    /// write(2) calls.
    public let writes: UInt64
    /// Bytes read.
    public let bytesRead: UInt64
    /// Bytes written.
    public let bytesWritten: UInt64
    /// on_events calls.
    public let batches: UInt64
    /// Events delivered.
    public let events: UInt64
    /// Most events that one of those calls brought.
    public let batchEventsHigh: UInt64
    /// Events dropped because a batch was full beyond its reserve; must stay 0.
    public let eventsLost: UInt64
    /// trk_alloc calls of this loop.
    public let allocations: UInt64
    /// Frees of this loop.
    public let frees: UInt64
    /// OpenSSL's own, on this thread.
    public let tlsAllocations: UInt64
    /// Pool blocks in use now.
    public let poolBlocksInUse: UInt64
    /// High-water mark.
    public let poolBlocksHigh: UInt64
    /// Bytes of a pool block.
    public static let poolBlockBytes = Int(TRK_POOL_BLOCK_BYTES)
    /// Pool blocks taken from the system.
    public let poolBlocksTotal: UInt64
    /// Takes refused at pool_bytes_max.
    public let poolRefusals: UInt64
    /// Legs open now.
    public let legsOpen: UInt64
    /// Legs accepted.
    public let legsAccepted: UInt64
    /// Legs dialled.
    public let legsDialled: UInt64
    /// Accepts dropped because legs_max was reached.
    public let legsRefusedFull: UInt64
    /// Calls open now.
    public let callsOpen: UInt64
    /// Calls opened.
    public let callsOpened: UInt64
    /// Heads answered with an HTTP error.
    public let upgradesRefused: UInt64
    /// Connections that sent no whole head in time.
    public let headTimeouts: UInt64
    /// Legs closed for breaking RFC 6455.
    public let protocolErrors: UInt64
    /// Legs closed at one of our limits.
    public let limitCloses: UInt64
    /// Legs closed for a missing pong or a stuck write.
    public let deadPeers: UInt64
    /// Dialled legs that met one of the dial's deadlines.
    public let dialTimeouts: UInt64
    /// Dropped messages, by reason.
    public let malformed: [MalformedReason: UInt64]
    /// Media messages of callers.
    public let carrierFramesIn: UInt64
    /// Media messages to callers.
    public let carrierFramesOut: UInt64
    /// Marks sent.
    public let marksOut: UInt64
    /// Echoes that counted.
    public let marksIn: UInt64
    /// Echoes of an old generation or unknown.
    public let marksStale: UInt64
    /// Clears sent.
    public let clearsOut: UInt64
    /// input_audio_buffer.append messages.
    public let appendsOut: UInt64
    /// Audio deltas that were taken.
    public let deltasIn: UInt64
    /// Audio deltas of muted or finished responses.
    public let deltasLate: UInt64
    /// Caller audio dropped at waiting_ms_max.
    public let callerDroppedMilliseconds: UInt64
    /// Caller audio that waited and was sent later.
    public let callerWaitedMilliseconds: UInt64
    /// Deltas dropped because the ledger or pool was full.
    public let playbackRefused: UInt64
    /// Times that reading a model was paused.
    public let modelPauses: UInt64
    /// Sends refused at queue_bytes_max.
    public let sendsRefused: UInt64
    /// Times that a leg, its end or a timer waited for room in the batch.
    public let batchWaits: UInt64
    /// Turns whose time was over with events or jobs left for the next one.
    public let drainsCut: UInt64
    /// Calls put off to the next turn by the pacer's budget.
    public let pacerLate: UInt64
    /// Jumps in the carrier's timestamps.
    public let gaps: UInt64
    /// Their sum.
    public let gapMilliseconds: UInt64
    /// Accepts dropped at headsPerAddressMax.
    public let legsRefusedAddress: UInt64
    /// Accepts for which the system had no descriptor.
    public let acceptFailures: UInt64
    /// Times that a leg had its share of a turn.
    public let readRests: UInt64
    /// Pongs not sent at pongBytesMax.
    public let pongsDropped: UInt64
    /// Starts without a connected message before.
    public let startsUnannounced: UInt64
    /// Media messages of a track that is not the caller's.
    public let mediaOtherTrack: UInt64
    /// Carriers closed for media that came too fast or too early.
    public let mediaFloods: UInt64
    /// Silences longer than mediaTimeoutMilliseconds.
    public let mediaTimeouts: UInt64
    /// Keys that no telephone has.
    public let digitsInvalid: UInt64
    /// Keys dropped at digitsPerSecondMax.
    public let digitsOver: UInt64
    /// Carrier messages with a number that was not new.
    public let sequenceRepeats: UInt64
    /// Carrier messages with a number that left some out.
    public let sequenceGaps: UInt64
    /// Media timestamps that went back, or ahead beyond sense.
    public let timestampFaults: UInt64
    /// TLS handshakes completed.
    public let tlsHandshakes: UInt64
    /// Of those, resumed sessions.
    public let tlsResumed: UInt64
    /// Connections given to an HTTP server.
    public let handedOver: UInt64
    /// Connections taken back from it.
    public let adopted: UInt64
    /// Taps attached to calls.
    public let tapsOpened: UInt64
    /// Records of taps that did not fit.
    public let tapRecordsDropped: UInt64
    /// Calls with Opus open now.
    public let opusCalls: UInt64
    /// Opus packets decoded.
    public let opusPacketsIn: UInt64
    /// Opus packets encoded and sent.
    public let opusPacketsOut: UInt64
    /// Packets that were no Opus, or too large.
    public let opusInvalid: UInt64
    /// Lost packets that were concealed.
    public let opusLost: UInt64
    /// Of those, packets that the next one had a copy of.
    public let opusRecovered: UInt64
    /// Silence made up for lines that sent nothing, milliseconds.
    public let lineFilledMilliseconds: UInt64
    /// Numbered packets whose turn was over, or that came twice.
    public let linePacketsLate: UInt64
    /// Numbered packets that never came.
    public let linePacketsLost: UInt64
    /// Messages between audio for which there was no room.
    public let lineTextsDropped: UInt64

    init(_ raw: trk_loop_stats) {
        turns = raw.turns
        turnsOver5Milliseconds = raw.turns_over_5ms
        turnLongestMicroseconds = raw.turn_longest_us
        reads = raw.reads
        writes = raw.writes
        bytesRead = raw.bytes_read
        bytesWritten = raw.bytes_written
        batches = raw.batches
        events = raw.events
        batchEventsHigh = raw.batch_events_high
        eventsLost = raw.events_lost
        allocations = raw.allocations
        frees = raw.frees
        tlsAllocations = raw.tls_allocations
        poolBlocksInUse = raw.pool_blocks_in_use
        poolBlocksHigh = raw.pool_blocks_high
        poolBlocksTotal = raw.pool_blocks_total
        poolRefusals = raw.pool_refusals
        legsOpen = raw.legs_open
        legsAccepted = raw.legs_accepted
        legsDialled = raw.legs_dialled
        legsRefusedFull = raw.legs_refused_full
        callsOpen = raw.calls_open
        callsOpened = raw.calls_opened
        upgradesRefused = raw.upgrades_refused
        headTimeouts = raw.head_timeouts
        protocolErrors = raw.protocol_errors
        limitCloses = raw.limit_closes
        deadPeers = raw.dead_peers
        dialTimeouts = raw.dial_timeouts
        malformed = withUnsafeBytes(of: raw.malformed) { bytes in
            let counts = bytes.bindMemory(to: UInt64.self)
            var byReason: [MalformedReason: UInt64] = [:]
            for (index, count) in counts.enumerated() where count > 0 {
                if let reason = MalformedReason(rawValue: Int32(index)) { byReason[reason] = count }
            }
            return byReason
        }
        carrierFramesIn = raw.carrier_frames_in
        carrierFramesOut = raw.carrier_frames_out
        marksOut = raw.marks_out
        marksIn = raw.marks_in
        marksStale = raw.marks_stale
        clearsOut = raw.clears_out
        appendsOut = raw.appends_out
        deltasIn = raw.deltas_in
        deltasLate = raw.deltas_late
        callerDroppedMilliseconds = raw.caller_dropped_ms
        callerWaitedMilliseconds = raw.caller_waited_ms
        playbackRefused = raw.playback_refused
        modelPauses = raw.model_pauses
        sendsRefused = raw.sends_refused
        batchWaits = raw.batch_waits
        drainsCut = raw.drains_cut
        pacerLate = raw.pacer_late
        gaps = raw.gaps
        gapMilliseconds = raw.gap_ms
        legsRefusedAddress = raw.legs_refused_address
        acceptFailures = raw.accept_failures
        readRests = raw.read_rests
        pongsDropped = raw.pongs_dropped
        startsUnannounced = raw.starts_unannounced
        mediaOtherTrack = raw.media_other_track
        mediaFloods = raw.media_floods
        mediaTimeouts = raw.media_timeouts
        digitsInvalid = raw.digits_invalid
        digitsOver = raw.digits_over
        sequenceRepeats = raw.sequence_repeats
        sequenceGaps = raw.sequence_gaps
        timestampFaults = raw.timestamp_faults
        tlsHandshakes = raw.tls_handshakes
        tlsResumed = raw.tls_resumed
        handedOver = raw.handed_over
        adopted = raw.adopted
        tapsOpened = raw.taps_opened
        tapRecordsDropped = raw.tap_dropped
        opusCalls = raw.opus_calls
        opusPacketsIn = raw.opus_packets_in
        opusPacketsOut = raw.opus_packets_out
        opusInvalid = raw.opus_invalid
        opusLost = raw.opus_lost
        opusRecovered = raw.opus_recovered
        lineFilledMilliseconds = raw.line_filled_ms
        linePacketsLate = raw.line_packets_late
        linePacketsLost = raw.line_packets_lost
        lineTextsDropped = raw.line_texts_dropped
    }
}
