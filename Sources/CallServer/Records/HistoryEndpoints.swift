import CallBridge
import CallRecords
import HTTPTypes
import Logging
import RealtimeProtocol
import Trunk
import WebServer

/// What was kept of calls, over HTTP: search, one call, exports, deletion, recordings.
struct HistoryEndpoints: Sendable {
    let records: RecordKeeping?
    let directory: CallDirectory
    let logger: Logger

    private static let filters: [Route.Parameter] =
        [
            .init("text", "Words that were said, all in one turn; beginnings of words count."),
            .init("number", "Part of the caller's or the called number."), .init("reason", "Why the call ended."),
            .init("from", "Began at this time or later.", schema: ["type": "string", "format": "date"]),
            .init("to", "Began before this time.", schema: ["type": "string", "format": "date"]),
            .init("tool", "A function of this name was called."),
            .init(
                "min_duration_ms",
                "Took so long at least.",
                schema: ["type": "integer", "minimum": 0, "maximum": 86_400_000]
            ),
            .init("limit", "Calls of the page.", schema: ["type": "integer", "minimum": 1, "maximum": 200]),
        ] + [
            .init(
                "cursor",
                "`next` of the page before.",
                schema: ["type": "string", "pattern": #"^\d{1,13}\.\d{1,9}$"#]
            )
        ]

    private static let none = WebError(.conflict, "no records are kept: DATABASE_PATH is none")
    private static let wrongQuery = [(200, "OK"), (409, "no records are kept"), (422, "a filter is wrong")]

    var routes: [Route] {
        [
            Route(
                .get,
                "/history",
                "Calls that are kept, the newest first; on the first page how many there are (`total`, up to 50,001)",
                access: .viewer,
                query: Self.filters,
                responseSchema: AnswerSchema.history,
                responses: Self.wrongQuery
            ) { try await page($0) },
            export("jsonl", "application/jsonl", .jsonLines), export("csv", "text/csv", .csv),
            Route(
                .get,
                "/history/{sid}",
                "One call with everything that is kept of it",
                access: .viewer,
                responses: [(200, "OK"), (404, "no such call"), (409, "no records are kept")]
            ) { request in
                let sid = request.parameters["sid"] ?? ""
                guard let detail = try await ask({ try $0.call(sid: sid) }) else {
                    throw WebError(.notFound, "no such call")
                }
                return .json(.object(HistoryJSON.detail(detail)))
            },
            Route(
                .delete,
                "/history",
                "Deletes everything that is kept of one caller",
                access: .operate,
                query: [
                    .init(
                        "number",
                        "The caller's number.",
                        schema: ["type": "string", "minLength": 1],
                        isRequired: true
                    )
                ],
                responses: [(200, "deleted"), (409, "no records are kept"), (422, "the number is missing")]
            ) { try await deleteCaller($0) },
            Route(
                .delete,
                "/history/{sid}",
                "Deletes what is kept of one call that is over",
                access: .operate,
                responses: [(200, "deleted"), (404, "no such call that is over"), (409, "no records are kept")]
            ) { try await deleteCall($0) },
            Route(
                .get,
                "/recordings/{file}",
                "A recording: WAV, the caller on the left",
                access: .viewer,
                responseType: "audio/wav",
                responses: [
                    (200, "OK"), (206, "a part of it"), (404, "no such recording"), (409, "no records are kept"),
                    (416, "no such part"),
                ]
            ) { try recording($0) },
        ]
    }

    private func ask<Result: Sendable>(_ body: @escaping @Sendable (CallStore) throws -> Result) async throws -> Result
    {
        guard let records else { throw Self.none }
        do {
            return try await records.ask(body)
        } catch let error as HistoryQueryError {
            throw WebError(.unprocessableContent, "\(error)")
        }
    }

    // MARK: - Search

    private static func query(_ request: WebRequest) throws -> HistoryQuery {
        var query = HistoryQuery()
        let given = request.query.filter { !$0.value.isEmpty }
        func number(_ name: String, _ range: ClosedRange<Int64>) throws -> Int64? {
            guard let text = given[name] else { return nil }
            if let value = Int64(text), range.contains(value) { return value }
            throw WebError(.unprocessableContent, "\(name) is not from \(range.lowerBound) to \(range.upperBound)")
        }
        func moment(_ name: String) throws -> Int64? {
            guard let text = given[name] else { return nil }
            if let value = Int64(text) ?? UnixTime.parse(text) { return value }
            throw WebError(.unprocessableContent, "\(name) is no time such as 2026-11-26 or 2026-11-26T12:00:00Z")
        }
        query.text = given["text"]
        query.number = given["number"]
        query.endReason = given["reason"]
        query.tool = given["tool"]
        query.cursor = given["cursor"]
        query.from = try moment("from")
        query.to = try moment("to")
        query.minimumDurationMilliseconds = try number("min_duration_ms", 0...86_400_000).map { Int($0) }
        query.limit = try number("limit", 1...200).map { Int($0) } ?? 50
        return query
    }

    private func page(_ request: WebRequest) async throws -> WebResponse {
        let query = try Self.query(request)
        let (page, snippets, total) = try await ask { store in
            let page = try store.history(query)
            let snippets = try query.text.map { try store.snippets(of: page.calls.map(\.id), text: $0) } ?? [:]
            guard query.cursor == nil else { return (page, snippets, Int?.none) }
            // A first page that is also the last is counted already.
            return (page, snippets, page.next == nil ? page.calls.count : try store.count(query))
        }
        return .json([
            "calls": .array(page.calls.map { .object(HistoryJSON.summary($0, snippet: snippets[$0.id])) }),
            "next": page.next.map(JSONValue.string) ?? .null,
            "total": total.map { .integer(Int64($0)) } ?? .null,
        ])
    }

    private func export(_ name: String, _ type: String, _ format: CallExport.Format) -> Route {
        Route(
            .get,
            "/history/export.\(name)",
            "The same calls as a file",
            access: .viewer,
            query: Self.filters,
            responseType: type,
            responses: Self.wrongQuery
        ) { request in
            guard let records else { throw Self.none }
            let query = try Self.query(request)
            // One request reads it, one chunk after the other: nobody waits for the lock.
            let export = Locked(CallExport(records.store, query, as: format))
            var response = WebResponse(headers: [.contentType: "\(type); charset=utf-8"])
            response.headers[.contentDisposition] = "attachment; filename=\"calls.\(name)\""
            response.stream = BodyStream { try await records.ask { _ in try export.withLock { try $0.next() } } }
            return response
        }
    }

    // MARK: - Deletion

    private func deleteCaller(_ request: WebRequest) async throws -> WebResponse {
        guard let number = request.query["number"], !number.isEmpty else {
            throw WebError(.unprocessableContent, "number is missing")
        }
        let deletion = try await ask { try $0.deleteCaller(number) }
        directory.forget { $0.party == number }
        // Whose they were is what was deleted.
        logger.notice("\(deletion.calls) calls of one number were deleted", metadata: ["by": "\(request.actor)"])
        RecordingFiles.remove(deletion.recordings, from: records?.recordingsFolder ?? "")
        return .json([
            "deleted": .integer(Int64(deletion.calls)), "in_progress": .integer(Int64(deletion.inProgress)),
        ])
    }

    private func deleteCall(_ request: WebRequest) async throws -> WebResponse {
        let sid = request.parameters["sid"] ?? ""
        let deletion = try await ask { try $0.deleteCall(sid) }
        guard deletion.calls > 0 else { throw WebError(.notFound, "no such call that is over") }
        directory.forget { $0.callSID == sid }
        logger.notice("a call was deleted", metadata: ["by": "\(request.actor)", "call": "\(sid)"])
        RecordingFiles.remove(deletion.recordings, from: records?.recordingsFolder ?? "")
        return .json(["deleted": .integer(Int64(deletion.calls))])
    }

    // MARK: - Recordings

    private func recording(_ request: WebRequest) throws -> WebResponse {
        guard let records else { throw Self.none }
        guard let file = RecordingFiles.Reader(request.parameters["file"] ?? "", in: records.recordingsFolder) else {
            throw WebError(.notFound, "no such recording")
        }
        var response = WebResponse(headers: [.contentType: "audio/wav", .acceptRanges: "bytes"])
        let range = ByteRange.parse(request.headers[.range], size: file.size)
        let part = range ?? 0..<file.size
        if range != nil, part.isEmpty {
            response.status = .rangeNotSatisfiable
            response.headers[.contentRange] = "bytes */\(file.size)"
            return response
        }
        if range != nil {
            response.status = .partialContent
            response.headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(file.size)"
        }
        // Where the next piece begins; one request reads it.
        let place = Locked(part.lowerBound)
        response.stream = BodyStream(length: part.count) {
            try await records.ask { _ in
                place.withLock { at in
                    let piece = file.piece(at: at, atMost: part.upperBound - at)
                    at += piece?.count ?? 0
                    return piece
                }
            }
        }
        return response
    }
}
