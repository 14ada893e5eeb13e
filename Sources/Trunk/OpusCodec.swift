internal import CTrunk
internal import CTrunk.Codecs

/// Opus for peers of ours that are no calls: simulators, tests and benchmarks. One stream in each direction.
public final class OpusCodec {
    private let state: OpaquePointer
    private let memory: UnsafeMutableRawPointer
    /// Samples a second.
    public let rate: Int

    /// Makes a codec; nil when Opus is not built in, or a value is out of range.
    public init?(rate: Int, _ encoder: OpusEncoder = OpusEncoder()) {
        let size = trk_opus_size()
        guard size > 0 else { return nil }
        memory = .allocate(byteCount: size, alignment: 16)
        state = OpaquePointer(memory)
        self.rate = rate
        var config = trk_opus_config()
        config.rate = UInt32(clamping: rate)
        config.bitrate = UInt32(clamping: encoder.bitrate)
        config.complexity = UInt32(clamping: encoder.complexity)
        config.loss_percent = UInt32(clamping: encoder.lossPercent)
        config.fec = encoder.hasFEC
        config.dtx = encoder.hasDTX
        guard trk_opus_init(state, &config) == .TRK_OK else { return nil }
    }

    deinit { memory.deallocate() }

    /// Encodes 20, 40 or 60 ms; an empty packet need not be sent. Nil for another length.
    public func encode(_ samples: [Int16]) -> [UInt8]? {
        var packet = [UInt8](repeating: 0, count: Int(TRK_OPUS_ENCODED_MAX))
        let count = trk_opus_encode(state, &packet, packet.count, samples, samples.count)
        return count >= 0 ? Array(packet.prefix(count)) : nil
    }

    /// Decodes a packet; nil for one that breaks RFC 6716.
    public func decode(_ packet: [UInt8]) -> [Int16]? {
        filled { trk_opus_decode(state, $0, $1, packet, packet.count) }
    }

    /// What a lost packet of so many samples may have held.
    public func conceal(_ samples: Int) -> [Int16]? { filled { trk_opus_conceal(state, $0, min($1, samples)) } }

    /// The same by the copy in the packet behind it, which is decoded afterwards.
    public func recover(_ samples: Int, from next: [UInt8]) -> [Int16]? {
        filled { trk_opus_recover(state, $0, min($1, samples), next, next.count) }
    }

    private func filled(_ body: (UnsafeMutablePointer<Int16>, Int) -> Int) -> [Int16]? {
        var samples = [Int16](repeating: 0, count: rate * Int(TRK_OPUS_MS_MAX) / 1_000)
        let count = samples.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { body($0, buffer.count) } ?? -1
        }
        return count >= 0 ? Array(samples.prefix(count)) : nil
    }
}
