internal import CTrunk
internal import CTrunk.Codecs

/// G.711 µ-law, for simulators, recordings and meters. The core does the same for calls without leaving C.
public enum MuLaw {
    /// Positive zero.
    public static let silence: UInt8 = 0xFF
    /// Bytes of one millisecond at 8,000 samples a second.
    public static let bytesPerMillisecond = 8

    /// Encodes 16-bit linear samples.
    public static func encode(_ samples: [Int16]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: samples.count) { buffer, count in
            if let base = buffer.baseAddress { trk_ulaw_encode(base, samples, samples.count) }
            count = samples.count
        }
    }

    /// Decodes to 16-bit linear samples.
    public static func decode(_ codes: [UInt8]) -> [Int16] {
        [Int16](unsafeUninitializedCapacity: codes.count) { buffer, count in
            if let base = buffer.baseAddress { trk_ulaw_decode(base, codes, codes.count) }
            count = codes.count
        }
    }

    /// Root mean square and peak, linear, 0...32767.
    public static func level(_ codes: some Collection<UInt8>) -> (rms: Int, peak: Int) {
        let codes = Array(codes)
        let level = trk_ulaw_level(codes, codes.count)
        return (Int(level.rms), Int(level.peak))
    }
}

/// Linear PCM, 16 bit, little-endian, 24,000 samples a second: what models and Opus clients speak.
public enum PCM {
    /// Samples a second.
    public static let rate = 24_000
    /// Bytes of one millisecond.
    public static let bytesPerMillisecond = 48

    /// Its samples; an odd byte at the end is left out.
    public static func samples(_ bytes: [UInt8]) -> [Int16] {
        (0..<bytes.count / 2).map { Int16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8) }
    }

    /// The bytes of samples.
    public static func bytes(_ samples: [Int16]) -> [UInt8] {
        samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    }

    /// Whole runs as µ-law at 8,000 samples a second.
    public static func toMuLaw(_ samples: [Int16]) -> [UInt8] {
        var memory = trk_pcm_memory()
        let codes = samples.count / Int(TRK_PCM_PER_ULAW)
        return [UInt8](unsafeUninitializedCapacity: codes) { buffer, count in
            if let base = buffer.baseAddress { trk_pcm_to_ulaw(base, samples, codes, &memory) }
            count = codes
        }
    }

    /// µ-law as samples at 24,000 a second.
    public static func fromMuLaw(_ codes: [UInt8]) -> [Int16] {
        var last: Int16 = 0
        let samples = codes.count * Int(TRK_PCM_PER_ULAW)
        return [Int16](unsafeUninitializedCapacity: samples) { buffer, count in
            if let base = buffer.baseAddress { trk_pcm_from_ulaw(base, codes, codes.count, &last) }
            count = samples
        }
    }
}

/// Strict base64 (RFC 4648 section 4).
public enum Base64 {
    /// Encodes with padding.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: trk_base64_encoded_count(bytes.count)) { buffer in
            guard let base = buffer.baseAddress, !bytes.isEmpty else { return 0 }
            return base.withMemoryRebound(to: CChar.self, capacity: buffer.count) {
                trk_base64_encode($0, bytes, bytes.count)
            }
        }
    }

    /// Decodes; nil when the text is not strict base64.
    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { utf8 in
            guard let base = utf8.baseAddress, !utf8.isEmpty else { return [] }
            var isValid = true
            let bytes = [UInt8](unsafeUninitializedCapacity: trk_base64_decoded_max(utf8.count)) { buffer, count in
                guard let out = buffer.baseAddress else {
                    isValid = false
                    return
                }
                let written = base.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
                    trk_base64_decode(out, $0, utf8.count)
                }
                isValid = written >= 0
                count = max(0, written)
            }
            return isValid ? bytes : nil
        }
    }
}
