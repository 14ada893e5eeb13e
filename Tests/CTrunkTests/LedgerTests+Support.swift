import CTrunk.Codecs

/// A ledger at a stable address, with Swift values at its functions.
final class TestLedger {
    private let raw: UnsafeMutablePointer<trk_ledger>

    init() {
        raw = .allocate(capacity: 1)
        trk_ledger_init(raw)
    }

    deinit { raw.deallocate() }

    static func withBytes<Result>(_ text: String, _ body: (trk_bytes) -> Result) -> Result {
        var text = text
        return text.withUTF8 { body(trk_bytes(data: $0.baseAddress, count: $0.count)) }
    }

    @discardableResult
    func receive(_ id: String, _ count: Int, epoch: UInt32 = 1, index: Int32 = 0) -> trk_status {
        Self.withBytes(id) { trk_ledger_receive(raw, $0, index, epoch, UInt64(count)) }
    }

    func complete(_ id: String) { Self.withBytes(id) { trk_ledger_complete(raw, $0) } }
    func complete(epoch: UInt32) { trk_ledger_complete_epoch(raw, epoch) }
    func setLine(bytesPerMillisecond: UInt32, hasMarks: Bool) {
        trk_ledger_set_line(raw, bytesPerMillisecond, hasMarks)
    }
    func interrupt(at now: Int64) { trk_ledger_interrupt(raw, now) }

    /// The id of the item to send from next, and the bytes that it has left.
    var next: (id: String, left: Int)? {
        trk_ledger_next(raw).map { (Self.id(of: $0.pointee), Int($0.pointee.received - $0.pointee.sent)) }
    }

    /// Sends from the next item.
    func send(_ count: Int, padding: Int = 0, at now: Int64) {
        guard let item = trk_ledger_next(raw) else { return }
        trk_ledger_sent(raw, item, UInt64(count), UInt64(padding), now)
    }

    func mark() -> String {
        let out = ExactBuffer(count: Int(TRK_LEDGER_MARK_NAME_MAX))
        let count = trk_ledger_mark_name(raw, out.text)
        return String(decoding: out.bytes.prefix(count), as: UTF8.self)
    }

    @discardableResult
    func echo(_ name: String, at now: Int64) -> Bool { Self.withBytes(name) { trk_ledger_echo(raw, $0, now) } }

    func ahead(at now: Int64) -> Int64 { trk_ledger_ahead_us(raw, now) }
    func heard(at now: Int64) -> Int { Int(trk_ledger_heard(raw, now)) }
    var isUnproven: Bool { trk_ledger_unproven(raw) }
    var position: Int { Int(raw.pointee.position) }
    var grace: Int64 { trk_ledger_grace_us(raw) }

    private func item(_ id: String) -> trk_ledger_item? {
        withUnsafeBytes(of: &raw.pointee.items) { bytes in
            bytes.bindMemory(to: trk_ledger_item.self).prefix(Int(raw.pointee.item_count))
                .first { Self.id(of: $0) == id }
        }
    }

    func heard(_ id: String, at now: Int64) -> Int? {
        guard var item = item(id) else { return nil }
        return Int(trk_ledger_item_heard(raw, &item, now))
    }

    func sent(_ id: String) -> Int? { item(id).map { Int($0.sent) } }

    /// The items that are finished by now, in their order.
    func finish(at now: Int64) -> [String] {
        var out = trk_ledger_item()
        var ids: [String] = []
        while trk_ledger_finish(raw, &out, now) { ids.append(Self.id(of: out)) }
        return ids
    }

    private static func id(of item: trk_ledger_item) -> String {
        withUnsafeBytes(of: item.id) { String(decoding: $0.prefix(Int(item.id_count)), as: UTF8.self) }
    }
}

/// A telephone: plays eight bytes a millisecond, stops when dry, echoes marks when their place is played.
struct SimulatedPhone {
    /// From the moment a mark's place is played to its echo's arrival.
    var echoDelay: Int64
    /// Of real time.
    let speed: Double
    private(set) var given = 0
    private var end: Int64 = 0
    private(set) var echoes: [(name: String, at: Int64)] = []

    init(echoDelay: Int64 = 0, speed: Double = 1) {
        self.echoDelay = echoDelay
        self.speed = speed
    }

    private func duration(_ bytes: Int) -> Int64 { Int64(Double(bytes) * 125 / speed) }

    mutating func audio(_ bytes: Int, at now: Int64) {
        end = max(end, now) + duration(bytes)
        given += bytes
    }

    mutating func mark(_ name: String, at now: Int64) { echoes.append((name, max(end, now) + echoDelay)) }

    /// Bytes played so far; what was cleared counts as played, as it does in the ledger.
    func played(at now: Int64) -> Int { given - Int(Double(max(0, end - now)) * speed / 125) }

    /// Drops what is not played and gives all marks back at once.
    mutating func clear(at now: Int64) {
        end = now
        echoes = echoes.map { ($0.name, min($0.at, now + echoDelay)) }
    }

    /// The echoes that have arrived.
    mutating func arrived(by now: Int64) -> [(name: String, at: Int64)] {
        let ready = echoes.filter { $0.at <= now }
        echoes.removeAll { $0.at <= now }
        return ready
    }
}
