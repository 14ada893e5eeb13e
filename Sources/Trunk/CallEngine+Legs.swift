internal import CTrunk

/// Where and how an engine listens.
public struct ListenAddress: Sendable {
    /// An address; empty for all.
    public var host: String
    /// 0 picks a port.
    public var port: Int
    /// Several engines share the port.
    public var sharesPort: Bool
    /// PEM chain; with `keyFile` it makes the listener speak TLS.
    public var certificateFile: String?
    /// PEM key.
    public var keyFile: String?
    /// WebSocket paths, exact; at most 16.
    public var paths: [String]

    /// Makes an address.
    public init(
        host: String,
        port: Int,
        paths: [String],
        sharesPort: Bool = false,
        certificateFile: String? = nil,
        keyFile: String? = nil
    ) {
        self.host = host
        self.port = port
        self.paths = paths
        self.sharesPort = sharesPort
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// Whom to dial.
public struct DialTarget: Sendable {
    /// A name or an address, without brackets.
    public var host: String
    /// The TCP port.
    public var port: Int
    /// TLS with verification of chain and name.
    public var isSecure: Bool
    /// Path and query.
    public var target: String
    /// Further headers.
    public var headers: [(name: String, value: String)]
    /// PEM file of the authorities; nil is the system's store.
    public var authorityFile: String?
    /// Where the host is, as at most eight IPv4 or IPv6 addresses, tried in this order; empty looks the name up. The
    /// certificate must name the host all the same.
    public var addresses: [String] = []

    /// Makes a target.
    public init(
        host: String,
        port: Int,
        isSecure: Bool,
        target: String,
        headers: [(name: String, value: String)] = [],
        authorityFile: String? = nil
    ) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
        self.target = target
        self.headers = headers
        self.authorityFile = authorityFile
    }

    /// The header lines, or nil when one of them would break the request.
    var headerLines: String? {
        var lines = ""
        for header in headers {
            let text = "\(header.name): \(header.value)"
            if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return nil }
            lines += text + "\r\n"
        }
        return lines
    }
}

extension CallEngine {
    /// Listens; upgrades to its paths come to `acceptor`, all other requests to `plain`. Returns the port.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - acceptor: Decides about upgrades to the address's paths.
    ///   - plain: Takes what is no such upgrade; nil answers it with an HTTP error.
    public func listen(
        _ address: ListenAddress,
        acceptor: any LegAcceptor,
        plain: (any PlainAcceptor)? = nil
    ) throws(TrunkError) -> Int {
        var port: UInt16 = 0
        var detail: Int32 = 0
        var status = trk_status.TRK_EINVALID
        withCStrings(address.paths + [address.host, address.certificateFile ?? "", address.keyFile ?? ""]) { texts in
            let count = address.paths.count
            texts.withUnsafeBufferPointer { paths in
                var config = trk_listen_config(
                    host: texts[count].unsafelyUnwrapped,
                    port: UInt16(clamping: address.port),
                    reuse_port: address.sharesPort,
                    certificate_file: address.certificateFile == nil ? nil : texts[count + 1],
                    key_file: address.keyFile == nil ? nil : texts[count + 2],
                    paths: paths.baseAddress,
                    path_count: UInt32(count),
                    tag: UInt32(acceptors.count),
                    hands_over: plain != nil
                )
                status = trk_loop_listen(raw, &config, &port, &detail)
            }
        }
        try check(status, detail: detail)
        acceptors.append(ListenerSeat(upgrades: acceptor, plain: plain))
        return Int(port)
    }

    /// Loads the authorities that dials over TLS will use: a file that cannot be used is told before the first dial.
    public func trust(authorityFile: String?) throws(TrunkError) {
        var status = trk_status.TRK_EINVALID
        withCStrings([authorityFile ?? ""]) { texts in
            status = trk_loop_trust(raw, authorityFile == nil ? nil : texts[0])
        }
        try check(status)
    }

    /// Gives the listeners over TLS another certificate and key, for connections to come. When it throws, because they
    /// cannot be loaded, do not belong together or are not valid now, the old ones stay.
    public func setCertificate(_ certificateFile: String, keyFile: String) throws(TrunkError) {
        for tag in acceptors.indices {
            var status = trk_status.TRK_EINVALID
            withCStrings([certificateFile, keyFile]) { texts in
                status = trk_loop_set_certificate(
                    raw,
                    UInt32(tag),
                    texts[0].unsafelyUnwrapped,
                    texts[1].unsafelyUnwrapped
                )
            }
            if status != .TRK_EUNSUPPORTED, status != .TRK_ESTALE { try check(status) }
        }
    }

    /// Stops listening; open legs go on.
    public func stopListening() { trk_loop_unlisten(raw) }

    /// Dials a plain WebSocket. The outcome comes to `handler`.
    public func dial(_ target: DialTarget, handler: any LegHandler) throws(TrunkError) -> LegID {
        let leg = try begin(target)
        seat(leg, handler)
        return leg
    }

    func begin(_ target: DialTarget) throws(TrunkError) -> LegID {
        guard let lines = target.headerLines else { throw TrunkError(.invalid) }
        var leg = RawLegID()
        var status = trk_status.TRK_EINVALID
        let addresses = target.addresses.joined(separator: ",")
        withCStrings([target.host, target.target, lines, target.authorityFile ?? "", addresses]) { texts in
            var config = trk_dial_config(
                host: texts[0].unsafelyUnwrapped,
                addresses: target.addresses.isEmpty ? nil : texts[4],
                port: UInt16(clamping: target.port),
                tls: target.isSecure,
                ca_file: target.authorityFile == nil ? nil : texts[3],
                target: texts[1].unsafelyUnwrapped,
                headers: texts[2]
            )
            status = trk_leg_dial(raw, &config, &leg)
        }
        try check(status)
        return LegID(leg)
    }

    /// Lets the answer to an upgrade request name this subprotocol, before it is accepted. False when the request does
    /// not offer it: then the answer names none.
    @discardableResult
    public func choose(protocol name: String, for leg: LegID) -> Bool {
        name.withCString { trk_leg_choose_protocol(raw, leg.raw, $0) } == .TRK_OK
    }

    /// Accepts an upgrade request; the leg's messages come to `handler`.
    public func accept(_ leg: LegID, handler: any LegHandler) throws(TrunkError) {
        try check(trk_leg_accept(raw, leg.raw))
        seat(leg, handler)
    }

    /// Refuses an upgrade request with an HTTP status of 400 to 599.
    public func refuse(_ leg: LegID, status: Int) {
        _ = trk_leg_refuse(raw, leg.raw, Int32(clamping: status))
    }

    /// Sends a text message; the bytes are copied.
    public func send(text: some Collection<UInt8>, to leg: LegID) throws(TrunkError) {
        let sent = text.withContiguousStorageIfAvailable {
            trk_leg_send_text(raw, leg.raw, $0.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped, $0.count)
        }
        if let sent { return try check(sent) }
        try send(text: Array(text), to: leg)
    }

    /// Sends a text message.
    public func send(text: String, to leg: LegID) throws(TrunkError) {
        var text = text
        try check(
            text.withUTF8 {
                trk_leg_send_text(
                    raw,
                    leg.raw,
                    $0.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped,
                    $0.count
                )
            }
        )
    }

    /// Sends a binary message; the bytes are copied.
    public func send(binary: [UInt8], to leg: LegID) throws(TrunkError) {
        try check(trk_leg_send_binary(raw, leg.raw, binary, binary.count))
    }

    /// Sends a ping with up to 125 bytes.
    public func ping(_ leg: LegID, _ bytes: [UInt8] = []) throws(TrunkError) {
        try check(trk_leg_ping(raw, leg.raw, bytes, bytes.count))
    }

    /// Begins the close handshake. Code 0 sends none. Idempotent; a leg that is gone is no error.
    public func close(_ leg: LegID, code: Int = 1000, reason: String = "") {
        silence(leg)
        _ = trk_leg_close(raw, leg.raw, UInt16(clamping: code), reason)
    }

    /// Drops the connection without a close frame, as a network fault would.
    public func abort(_ leg: LegID) {
        silence(leg)
        _ = trk_leg_abort(raw, leg.raw)
    }

    /// Drops all connections that have a handler, as a killed process would.
    public func abortAll() {
        for (slot, seat) in legSeats.enumerated() where seat.handler != nil {
            abort(LegID(RawLegID(slot: UInt32(slot), generation: seat.generation)))
        }
    }

    /// `timerFired` after this many milliseconds; nil cancels.
    public func setTimer(_ leg: LegID, afterMilliseconds delay: Int?) {
        _ = trk_leg_set_timer(raw, leg.raw, delay.map { Int64(max(0, $0)) } ?? -1)
    }

    /// Stops or resumes reading from the peer.
    public func setReading(_ leg: LegID, _ reading: Bool) { _ = trk_leg_set_reading(raw, leg.raw, reading) }

    /// Outbound bytes that the system has not taken yet.
    public func pendingBytes(_ leg: LegID) -> Int { trk_leg_pending(raw, leg.raw) }

    func seat(_ leg: LegID, _ handler: (any LegHandler)?) {
        while legSeats.count <= Int(leg.slot) { legSeats.append(LegSeat()) }
        legSeats[Int(leg.slot)] = LegSeat(generation: leg.generation, handler: handler)
    }

    /// Nothing but its end is told of this leg any more.
    private func silence(_ leg: LegID) {
        let slot = Int(leg.slot)
        if slot < legSeats.count, legSeats[slot].generation == leg.generation { legSeats[slot].isClosing = true }
    }

    /// Whether an event of this leg was gathered before we closed it: only its end is told then.
    func isOutdated(_ event: trk_event) -> Bool {
        let slot = Int(event.leg.slot)
        return event.kind != .TRK_EVENT_LEG_CLOSED && slot < legSeats.count && legSeats[slot].isClosing
            && legSeats[slot].generation == event.leg.generation
    }
}

/// Lends C strings for the duration of a closure.
func withCStrings(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Void) {
    func step(_ index: Int, _ pointers: [UnsafePointer<CChar>?]) {
        if index == texts.count { return body(pointers) }
        texts[index].withCString { step(index + 1, pointers + [$0]) }
    }
    step(0, [])
}
