import RealtimeProtocol

extension JSONObject {
    /// The integers of a struct of counters by their names, such as `outage_milliseconds`.
    init(countersOf counters: Any) {
        self.init()
        for child in Mirror(reflecting: counters).children {
            guard let label = child.label else { continue }
            switch child.value {
            case let value as Int: append(label.snakeCased, .integer(Int64(value)))
            case let value as UInt64: append(label.snakeCased, .integer(Int64(clamping: value)))
            default: continue
            }
        }
    }
}

extension String {
    fileprivate var snakeCased: String {
        reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    }
}
