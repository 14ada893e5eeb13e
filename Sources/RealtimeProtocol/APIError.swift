/// An error as the Realtime API reports it, in an `error` event or inside another event.
public struct APIError: Error, Sendable, Hashable {
    /// The class, such as `invalid_request_error`.
    public var type: String?
    /// The code, such as `conversation_already_has_active_response`; old servers leave it out.
    public var code: String?
    /// The sentence for people.
    public var message: String
    /// The field that was wrong.
    public var param: String?
    /// The `event_id` of the client event that failed, when it had one.
    public var eventID: String?

    /// An error.
    public init(
        type: String? = "invalid_request_error",
        code: String?,
        message: String,
        param: String? = nil,
        eventID: String? = nil
    ) {
        self.type = type
        self.code = code
        self.message = message
        self.param = param
        self.eventID = eventID
    }

    init(_ fields: FieldReader) throws(ProtocolError) {
        type = try fields.optionalString("type")
        code = try fields.optionalString("code")
        message = try fields.optionalString("message") ?? ""
        param = try fields.optionalString("param")
        eventID = try fields.optionalString("event_id")
    }

    private func base() -> JSONObject {
        var result = JSONObject()
        result.append("type", type.map(JSONValue.string) ?? .null)
        result.append("code", code.map(JSONValue.string) ?? .null)
        result.append("message", .string(message))
        return result
    }

    /// The JSON inside an `error` event: every key there, null when unknown.
    public var json: JSONValue {
        var result = base()
        result.append("param", param.map(JSONValue.string) ?? .null)
        result.append("event_id", eventID.map(JSONValue.string) ?? .null)
        return .object(result)
    }

    /// The JSON inside `status_details` of a failed response.
    var shortJSON: JSONValue { .object(base()) }
}
