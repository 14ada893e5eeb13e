import CTrunk.Codecs

/// One head in an allocation of exactly its size, and what the codec says about it.
enum TestHead {
    static let limits = trk_http_limits(head_max: 16384, line_max: 8192)
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    /// The lines of a good upgrade request, by name, so that a case can change one of them.
    static let upgradeLines = [
        "Host: example.com", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(key)",
        "Sec-WebSocket-Version: 13",
    ]

    /// A good request with one line changed (`without` names it by its beginning) and others added.
    static func request(
        _ first: String = "GET /media HTTP/1.1",
        without: String? = nil,
        adding: [String] = []
    ) -> [UInt8] {
        let lines = upgradeLines.filter { line in without.map { !line.hasPrefix($0) } ?? true }
        return Array(([first] + lines + adding).joined(separator: "\r\n").utf8) + Array("\r\n\r\n".utf8)
    }

    static func response(_ first: String, _ lines: [String]) -> [UInt8] {
        Array(([first] + lines).joined(separator: "\r\n").utf8) + Array("\r\n\r\n".utf8)
    }

    /// The status that an upgrade request is owed: 101, or what a server answers.
    static func status(_ bytes: [UInt8], limits: trk_http_limits = limits) -> Int32 {
        let buffer = ExactBuffer(bytes)
        var from = 0
        let end = trk_http_head_end(buffer.start, buffer.count, &from, limits)
        if end < 0 { return -end }
        if end == 0 { return 0 }
        var head = trk_http_head()
        let parsed = trk_http_parse_request(&head, buffer.start, Int(end), limits)
        if parsed < 0 { return -parsed }
        var key = trk_bytes()
        let checked = trk_http_check_upgrade(&head, &key)
        return checked < 0 ? -checked : 101
    }

    /// Whether an answer completes our upgrade; nil when it is no response head at all.
    static func accepts(_ bytes: [UInt8]) -> Bool? {
        let buffer = ExactBuffer(bytes)
        var head = trk_http_head()
        if trk_http_parse_response(&head, buffer.start, buffer.count, limits) != 0 { return nil }
        return trk_http_check_accept(&head, accept)
    }
}
