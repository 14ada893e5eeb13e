/// What is kept of calls.
public struct RecordSettings: Sendable, Hashable {
    /// The file of the records; nil keeps none.
    public var database: String? = "trunkline.db"
    /// Days that calls are kept; nil is for ever.
    public var retentionDays: Int? = 90
    /// Whether calls are recorded.
    public var records = false
    /// The folder of the recordings.
    public var folder = "recordings"
    /// Who is told of each call's end; nil is nobody.
    public var endURL: OutboundURL?
    /// The key by which that is signed; empty is not at all.
    public var endSecret = ""

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader) {
        if let path = reader.text("DATABASE_PATH") { database = path.lowercased() == "none" ? nil : path }
        if reader.text("RETENTION_DAYS")?.lowercased() == "forever" {
            retentionDays = nil
        } else {
            retentionDays = reader.number("RETENTION_DAYS", 1...36_500) ?? retentionDays
        }
        records = reader.flag("RECORDING") ?? records
        folder = reader.text("RECORDINGS_PATH") ?? folder
        endURL = reader.url("END_URL")
        endSecret = reader.secret("END_SECRET") ?? ""
        if endURL != nil, database == nil {
            reader.problems.append("END_URL: needs DATABASE_PATH, from which what could not be delivered is sent again")
        }
    }
}
