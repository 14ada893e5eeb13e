import CallBridge
public import WebServer

extension FormFields {
    /// The body that says the same.
    public var encoded: String {
        fields.map { "\(URLParts.percentEncoded($0.name))=\(URLParts.percentEncoded($0.value))" }
            .joined(separator: "&")
    }
}
