import Crypto
import Trunk
public import WebServer

/// Twilio's signature over a request: an HMAC of its URL and form, in base64.
public enum TwilioSignature {
    /// The hash of the HMAC.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// With an account's auth token.
        case sha1 = "HMAC_SHA1"
        /// With a shared key.
        case sha256 = "HMAC_SHA256"
    }

    /// The signature of a URL and the fields of its form.
    ///
    /// - Parameters:
    ///   - url: As Twilio used it, with path and query as they were sent.
    ///   - fields: Of a form that was posted; none for other requests. Its order does not matter.
    ///   - key: The auth token, or the shared key's secret.
    ///   - algorithm: The hash.
    public static func sign(
        url: String,
        fields: FormFields = FormFields(),
        key: String,
        algorithm: Algorithm = .sha1
    ) -> String {
        let key = SymmetricKey(data: Array(key.utf8))
        let data = Array(url.utf8) + suffix(of: fields)
        switch algorithm {
        case .sha1: return Base64.encode(Array(HMAC<Insecure.SHA1>.authenticationCode(for: data, using: key)))
        case .sha256: return Base64.encode(Array(HMAC<SHA256>.authenticationCode(for: data, using: key)))
        }
    }

    /// Names and values without separators, sorted by name and then value, what occurs twice once.
    ///
    /// Compared as bytes: two spellings of one letter are equal strings, and different texts to Twilio.
    private static func suffix(of fields: FormFields) -> [UInt8] {
        let pairs = fields.fields.map { (name: Array($0.name.utf8), value: Array($0.value.utf8)) }.sorted {
            $0.name == $1.name
                ? $0.value.lexicographicallyPrecedes($1.value) : $0.name.lexicographicallyPrecedes($1.name)
        }
        var result: [UInt8] = []
        for (index, pair) in pairs.enumerated() where index == 0 || pair != pairs[index - 1] {
            result += pair.name + pair.value
        }
        return result
    }
}

/// Lower-case hexadecimal digits.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
