/// A field whose `null` means something: `null` turns a feature off, an absent field leaves it as it is.
///
/// Used as `Nullable<T>?`: nil is absent, `.null` is off, `.value` is a setting.
public enum Nullable<Wrapped: Sendable & Hashable>: Sendable, Hashable {
    /// Written as `null`: the feature is off.
    case null
    /// The setting.
    case value(Wrapped)

    /// The setting, or nil when the feature is off.
    public var value: Wrapped? {
        if case .value(let wrapped) = self { return wrapped }
        return nil
    }
}

extension FieldReader {
    /// Absent, null or an object read by `read`.
    func nullable<Wrapped>(
        _ key: String,
        _ read: (FieldReader) throws(ProtocolError) -> Wrapped
    ) throws(ProtocolError) -> Nullable<Wrapped>? {
        guard let value = object[key] else { return nil }
        if value.isNull { return .null }
        return .value(try read(try reader(key)))
    }
}

extension JSONObject {
    /// Appends null or the JSON of the setting; nothing when the field is absent.
    mutating func append<Wrapped>(
        _ key: String,
        _ field: Nullable<Wrapped>?,
        _ json: (Wrapped) -> JSONValue
    ) {
        switch field {
        case nil: break
        case .null?: append(key, .null)
        case .value(let wrapped)?: append(key, json(wrapped))
        }
    }
}
