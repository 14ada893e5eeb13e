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
