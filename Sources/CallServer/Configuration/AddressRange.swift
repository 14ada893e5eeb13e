import Glibc

/// An address, or a network of them (RFC 4632).
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    private let network: [UInt8]
    private let bits: Int
    /// As it was written.
    public let description: String

    /// Reads `10.0.0.1`, `10.0.0.0/8`, `::1` or `fd00::/8`; nil when it is none of this.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let network = Self.bytes(String(first)) else { return nil }
        let all = network.count * 8
        guard let bits = parts.count < 2 ? all : Int(parts[1]), (0...all).contains(bits) else { return nil }
        self.network = network
        self.bits = bits
        description = text
    }

    /// Whether an address is in it.
    public func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(address), bytes.count == network.count else { return false }
        let whole = bits / 8
        guard bytes.prefix(whole) == network.prefix(whole) else { return false }
        let rest = bits % 8
        return rest == 0 || (bytes[whole] ^ network[whole]) >> (8 - rest) == 0
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }
}
