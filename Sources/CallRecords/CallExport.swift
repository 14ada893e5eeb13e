import CallBridge
import GRDB
import RealtimeProtocol

/// Calls as text, call by call: the memory in use does not grow with their number.
///
/// Each `next()` reads at most one page of the history and one call; no transaction stays open between two of them, so
/// that a reader who takes hours holds nothing up. Blocks; not on a loop. One thread at a time.
public final class CallExport {
    /// How calls are written.
    public enum Format: Sendable, Hashable {
        /// One JSON object a line, as in `CallDetail.json`.
        case jsonLines
        /// RFC 4180 with a header; one row a call, without what was said.
        case csv
    }

    private let store: CallStore
    private let format: Format
    private var query: HistoryQuery
    private var waiting: ArraySlice<StoredCall> = []
    private var isLastPage = false
    private var hasBegun = false

    /// Begins an export.
    ///
    /// - Parameters:
    ///   - store: Where to read.
    ///   - query: Which calls; its limit does not matter.
    ///   - format: How they are written.
    public init(_ store: CallStore, _ query: HistoryQuery = HistoryQuery(), as format: Format) {
        self.store = store
        self.format = format
        self.query = query
        self.query.limit = store.limits.pageCalls
    }

    /// The next bytes: a header or a call, the newest first; nil at the end.
    public func next() throws -> [UInt8]? {
        if format == .csv, !hasBegun {
            hasBegun = true
            return Array(CSV.row(Self.columns).utf8)
        }
        while true {
            while let call = waiting.popFirst() {
                switch format {
                case .csv: return Array(Self.row(call).utf8)
                case .jsonLines:
                    // Deleted meanwhile: it is left out.
                    guard let detail = try store.call(call.id) else { continue }
                    return Array((JSONValue.object(detail.json).text + "\n").utf8)
                }
            }
            if isLastPage { return nil }
            let page = try store.history(query)
            waiting = page.calls[...]
            query.cursor = page.next
            isLastPage = page.next == nil
        }
    }

    static let columns = [
        "id", "call_sid", "stream_sid", "direction", "caller", "called", "started_at", "ended_at", "duration_ms",
        "end_reason", "end_initiator", "end_detail", "model", "voice", "rule", "caller_turns", "agent_turns",
        "responses", "text_input", "text_cached", "text_output", "audio_input", "audio_cached", "audio_output",
        "transcription_ms", "cost_microdollars", "latency_p50_ms", "latency_max_ms", "recording_file", "parameters",
    ]

    private static func row(_ call: StoredCall) -> String {
        CSV.row(
            columns.map { column in
                switch call.fields[column] {
                case .integer(let number): column.hasSuffix("_at") ? UnixTime.text(number) : String(number)
                case .string(let text): text
                case .object(let object): JSONValue.object(object).text
                default: ""
                }
            }
        )
    }
}

enum CSV {
    /// One row with its line end.
    static func row(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    /// A cell that no spreadsheet takes for a formula, without NUL, quoted where RFC 4180 wants it.
    static func cell(_ text: String) -> String {
        var text = text.stored
        if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) { text = "'" + text }
        guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
