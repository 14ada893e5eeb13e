import Foundation

/// One whole answer of an HTTP server.
public struct HTTPAnswer: Sendable {
    /// The status.
    public let status: Int
    /// Headers by their names in lower case; the last of each name.
    public let headers: [String: String]
    /// The body.
    public let body: [UInt8]

    /// The body as a text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// Takes one answer from the beginning of what came; nil when it is not whole. Without a length the body is empty.
    init?(_ bytes: inout ArraySlice<UInt8>, isHead: Bool) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces
            )
        }
        let count = isHead || status == 304 ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        guard bytes.distance(from: end.upperBound, to: bytes.endIndex) >= count else { return nil }
        let rest = bytes[end.upperBound...]
        self.status = status
        self.headers = headers
        body = Array(rest.prefix(count))
        bytes = rest.dropFirst(count)
    }

    /// The whole answers in what came, one after the other.
    static func all(in bytes: [UInt8], isHead: Bool) -> [HTTPAnswer] {
        var rest = bytes[...]
        var answers: [HTTPAnswer] = []
        while let answer = HTTPAnswer(&rest, isHead: isHead) { answers.append(answer) }
        return answers
    }
}

extension RawClient {
    /// Reads so many whole answers, or fewer when the server ends the connection.
    public func answers(_ count: Int = 1, isHead: Bool = false) async -> [HTTPAnswer] {
        let bytes = await read { HTTPAnswer.all(in: $0, isHead: isHead).count >= count }
        return HTTPAnswer.all(in: bytes, isHead: isHead)
    }

    /// One request on a connection of its own, and its answer.
    ///
    /// - Parameters:
    ///   - method: Its method.
    ///   - target: Path and query.
    ///   - port: On this machine.
    ///   - headers: Header lines beside `Host`.
    ///   - host: What the client calls the server.
    ///   - body: The body; its length is told when it is not empty.
    ///   - from: The last byte of our own address, 127.0.0.x.
    public static func ask(
        _ method: String = "GET",
        _ target: String,
        port: Int,
        headers: [String] = [],
        host: String = "127.0.0.1",
        body: String = "",
        from: UInt8 = 1
    ) async throws -> HTTPAnswer? {
        let client = try RawClient(port: port, host: from)
        let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
        let lines = ["\(method) \(target) HTTP/1.1", "Host: \(host)"] + headers + length
        client.send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return await client.answers(isHead: method == "HEAD").first
    }
}
