import Glibc

/// Which addresses may be connected to on behalf of a model.
public enum AddressPolicy {
    /// Networks that are not the public internet (RFC 6890 and its registry), as address and length of the prefix.
    private static let privateIPv4: [(network: UInt32, bits: UInt32)] = [
        (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16), (0xAC10_0000, 12),
        (0xC000_0000, 24), (0xC000_0200, 24), (0xC058_6300, 24), (0xC0A8_0000, 16), (0xC612_0000, 15),
        (0xC633_6400, 24), (0xCB00_7100, 24), (0xE000_0000, 4), (0xF000_0000, 4),
    ]

    /// Whether an address, four or sixteen bytes, is one of the public internet.
    public static func isPublic(_ address: [UInt8]) -> Bool {
        switch address.count {
        case 4:
            let value = address.reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            return !privateIPv4.contains { value >> (32 - $0.bits) == $0.network >> (32 - $0.bits) }
        case 16: return isPublicIPv6(address)
        default: return false
        }
    }

    private static func isPublicIPv6(_ address: [UInt8]) -> Bool {
        // ::ffff:a.b.c.d is the IPv4 address; 64:ff9b::a.b.c.d and 2002:abcd:: lead to one.
        if address.prefix(10).allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF {
            return isPublic(Array(address.suffix(4)))
        }
        if address.starts(with: [0x00, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8)) {
            return isPublic(Array(address.suffix(4)))
        }
        if address.starts(with: [0x20, 0x02]) { return isPublic(Array(address[2..<6])) }
        // Only 2000::/3 is given out (RFC 4291, 2.4); without Teredo and other special uses, and documentation.
        return address[0] & 0xE0 == 0x20 && !(address[0] == 0x20 && address[1] == 0x01 && address[2] < 0x02)
            && !address.starts(with: [0x20, 0x01, 0x0D, 0xB8]) && !address.starts(with: [0x3F, 0xFF])
    }

    /// The addresses of a host, if all may be connected to. Waits for the resolver: not for a loop's thread.
    public static func resolve(_ server: OutboundServer) throws(OutboundFailure) -> [String] {
        guard !server.host.isEmpty, server.host.utf8.count <= 255 else { throw .unresolved }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(server.host, nil, &hints, &list) == 0 else { throw .unresolved }
        defer { freeaddrinfo(list) }
        var texts: [String] = []
        var entry = list
        while let info = entry?.pointee {
            if let (bytes, text) = address(info) {
                // One private address among public ones is enough: which one is connected to is chance.
                guard server.mayBePrivate || isPublic(bytes) else { throw .privateAddress }
                texts.append(text)
            }
            entry = info.ai_next
        }
        guard !texts.isEmpty else { throw .unresolved }
        return texts
    }

    private static func address(_ info: addrinfo) -> (bytes: [UInt8], text: String)? {
        guard let pointer = info.ai_addr else { return nil }
        var bytes: [UInt8] = []
        if info.ai_family == AF_INET {
            let value = UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self).sin_addr
            bytes = withUnsafeBytes(of: value) { Array($0) }
        } else if info.ai_family == AF_INET6 {
            let value = UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in6.self).sin6_addr
            bytes = withUnsafeBytes(of: value) { Array($0) }
        } else {
            return nil
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(info.ai_family, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return (bytes, String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
