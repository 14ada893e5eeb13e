internal import CTrunk

/// The limits and times of one engine. Each has a default; none can be switched off.
public struct EngineConfiguration: Sendable {
    /// Legs at once.
    public var legsMax: Int
    /// Calls at once.
    public var callsMax: Int
    /// Bytes of audio and outbound blocks of all calls.
    public var poolBytesMax: Int
    /// Events that are handled before the sockets may have a turn: few where audio must not wait for them.
    public var eventsPerRound: Int
    /// From accept to a whole HTTP head, milliseconds.
    public var headDeadlineMilliseconds: Int
    /// From an upgrade request to the answer, milliseconds.
    public var acceptDeadlineMilliseconds: Int
    /// Name, connect, TLS and upgrade of a dialled leg together, milliseconds.
    public var dialDeadlineMilliseconds: Int
    /// From the attempt at a host's last address to a connection, milliseconds.
    public var connectDeadlineMilliseconds: Int
    /// From the connection to the end of the TLS handshake of a dialled leg, milliseconds.
    public var tlsDeadlineMilliseconds: Int
    /// From our upgrade request to the whole head of the answer, milliseconds.
    public var answerDeadlineMilliseconds: Int
    /// From our close frame to the end of the connection, milliseconds.
    public var closeDeadlineMilliseconds: Int
    /// Between two pings, milliseconds.
    public var pingIntervalMilliseconds: Int
    /// From a ping to any sign of life, milliseconds.
    public var pingTimeoutMilliseconds: Int
    /// A peer that takes no byte for so long is closed, milliseconds.
    public var stuckDeadlineMilliseconds: Int
    /// Bytes of one message on an accepted leg.
    public var serverMessageMax: Int
    /// Bytes of one message on a dialled leg.
    public var clientMessageMax: Int
    /// Frames of one message.
    public var fragmentsMax: Int
    /// Control frames of a peer within ten seconds.
    public var pingsMax: Int
    /// Outbound bytes of one leg.
    public var queueBytesMax: Int
    /// Malformed messages of a leg before it is closed.
    public var malformedMax: Int
    /// Model audio sent ahead of real time, milliseconds; 0 sends all at once.
    public var leadMilliseconds: Int
    /// Least audio sent at a time in mid-answer, milliseconds; a multiple of 20.
    public var sliceMilliseconds: Int
    /// Audio between two marks, milliseconds.
    public var markMilliseconds: Int
    /// Caller audio kept while no model can take it, milliseconds; the oldest is dropped.
    public var waitingMillisecondsMax: Int
    /// The same while a model is there that has taken nothing for so long, milliseconds.
    public var blockedMillisecondsMax: Int
    /// Model audio kept for a call, milliseconds; beyond it the model is not read.
    public var playbackMillisecondsMax: Int
    /// Caller audio gathered into one append, milliseconds; 20 sends each frame.
    public var appendMilliseconds: Int
    /// Connections of one address (IPv6: of one /64) that have not sent a whole HTTP head.
    public var headsPerAddressMax: Int
    /// Pause of a listener for which the system had no descriptor, milliseconds.
    public var acceptPauseMilliseconds: Int
    /// Bytes read from one leg in one turn; at most 65,536.
    public var readTurnBytesMax: Int
    /// Bytes of pongs queued for a peer that does not read; beyond it pings go unanswered.
    public var pongBytesMax: Int
    /// Media messages of a carrier before its start.
    public var earlyMediaMax: Int
    /// Caller audio, percent of real time; 100 at least.
    public var mediaSpeedMaxPercent: Int
    /// The time over which that is measured, milliseconds: a line that stalled may catch up.
    public var mediaWindowMilliseconds: Int
    /// A started carrier that sends no media for so long is told of, milliseconds.
    public var mediaTimeoutMilliseconds: Int
    /// Keys of a caller in one second.
    public var digitsPerSecondMax: Int
    /// Bytes of unread records of one tap; rounded up to a power of two, at least 4 KiB. Two sides that speak at once
    /// fill some 18 KiB a second.
    public var tapBytes: Int
    private let base: trk_loop_config

    /// The defaults.
    public init() {
        let base = trk_loop_config_default()
        self.base = base
        legsMax = Int(base.legs_max)
        callsMax = Int(base.calls_max)
        poolBytesMax = Int(base.pool_bytes_max)
        headDeadlineMilliseconds = Int(base.head_deadline_ms)
        acceptDeadlineMilliseconds = Int(base.accept_deadline_ms)
        dialDeadlineMilliseconds = Int(base.dial_deadline_ms)
        connectDeadlineMilliseconds = Int(base.connect_deadline_ms)
        tlsDeadlineMilliseconds = Int(base.tls_deadline_ms)
        answerDeadlineMilliseconds = Int(base.answer_deadline_ms)
        closeDeadlineMilliseconds = Int(base.close_deadline_ms)
        pingIntervalMilliseconds = Int(base.ping_interval_ms)
        pingTimeoutMilliseconds = Int(base.ping_timeout_ms)
        stuckDeadlineMilliseconds = Int(base.stuck_deadline_ms)
        serverMessageMax = Int(base.server_message_max)
        clientMessageMax = Int(base.client_message_max)
        fragmentsMax = Int(base.fragments_max)
        pingsMax = Int(base.pings_max)
        queueBytesMax = Int(base.queue_bytes_max)
        malformedMax = Int(base.malformed_max)
        leadMilliseconds = Int(base.lead_ms)
        sliceMilliseconds = Int(base.slice_ms)
        markMilliseconds = Int(base.mark_ms)
        waitingMillisecondsMax = Int(base.waiting_ms_max)
        blockedMillisecondsMax = Int(base.blocked_ms_max)
        playbackMillisecondsMax = Int(base.playback_ms_max)
        eventsPerRound = Int(base.events_max)
        appendMilliseconds = Int(base.append_ms)
        headsPerAddressMax = Int(base.heads_per_address_max)
        acceptPauseMilliseconds = Int(base.accept_pause_ms)
        readTurnBytesMax = Int(base.read_turn_max)
        pongBytesMax = Int(base.pong_bytes_max)
        earlyMediaMax = Int(base.early_media_max)
        mediaSpeedMaxPercent = Int(base.media_speed_max)
        mediaWindowMilliseconds = Int(base.media_window_ms)
        mediaTimeoutMilliseconds = Int(base.media_timeout_ms)
        digitsPerSecondMax = Int(base.digits_per_s_max)
        tapBytes = Int(base.tap_bytes)
    }

    /// An engine that carries calls: an end of a call is some tenths of a millisecond of work, and many may end together.
    public static var forCalls: EngineConfiguration {
        var configuration = EngineConfiguration()
        configuration.eventsPerRound = 16
        return configuration
    }

    /// The core's form. Values beyond 32 bits are clamped; zero where the core needs one becomes one.
    var raw: trk_loop_config {
        func positive(_ value: Int) -> UInt32 { UInt32(clamping: max(1, value)) }
        var raw = base
        raw.legs_max = positive(legsMax)
        raw.calls_max = positive(callsMax)
        raw.events_max = positive(eventsPerRound)
        raw.pool_bytes_max = positive(poolBytesMax)
        raw.head_deadline_ms = positive(headDeadlineMilliseconds)
        raw.accept_deadline_ms = positive(acceptDeadlineMilliseconds)
        raw.dial_deadline_ms = positive(dialDeadlineMilliseconds)
        raw.connect_deadline_ms = positive(connectDeadlineMilliseconds)
        raw.tls_deadline_ms = positive(tlsDeadlineMilliseconds)
        raw.answer_deadline_ms = positive(answerDeadlineMilliseconds)
        raw.close_deadline_ms = positive(closeDeadlineMilliseconds)
        raw.ping_interval_ms = positive(pingIntervalMilliseconds)
        raw.ping_timeout_ms = positive(pingTimeoutMilliseconds)
        raw.stuck_deadline_ms = positive(stuckDeadlineMilliseconds)
        raw.server_message_max = positive(serverMessageMax)
        raw.client_message_max = positive(clientMessageMax)
        raw.fragments_max = positive(fragmentsMax)
        raw.pings_max = positive(pingsMax)
        raw.queue_bytes_max = positive(queueBytesMax)
        raw.malformed_max = positive(malformedMax)
        // Below three frames the pacer could never send ahead: 0 is the only smaller lead that makes sense.
        raw.lead_ms = leadMilliseconds <= 0 ? 0 : UInt32(clamping: max(60, leadMilliseconds))
        raw.slice_ms = UInt32(clamping: max(20, sliceMilliseconds / 20 * 20))
        raw.mark_ms = UInt32(clamping: max(20, markMilliseconds / 20 * 20))
        raw.waiting_ms_max = positive(waitingMillisecondsMax)
        raw.blocked_ms_max = positive(blockedMillisecondsMax)
        raw.playback_ms_max = positive(playbackMillisecondsMax)
        raw.append_ms = UInt32(clamping: max(20, appendMilliseconds))
        raw.heads_per_address_max = positive(headsPerAddressMax)
        raw.accept_pause_ms = positive(acceptPauseMilliseconds)
        raw.read_turn_max = UInt32(clamping: max(1_024, readTurnBytesMax))
        raw.pong_bytes_max = positive(pongBytesMax)
        raw.early_media_max = positive(earlyMediaMax)
        raw.media_speed_max = UInt32(clamping: max(100, mediaSpeedMaxPercent))
        raw.media_window_ms = positive(mediaWindowMilliseconds)
        raw.media_timeout_ms = positive(mediaTimeoutMilliseconds)
        raw.digits_per_s_max = positive(digitsPerSecondMax)
        raw.tap_bytes = positive(tapBytes)
        return raw
    }
}
