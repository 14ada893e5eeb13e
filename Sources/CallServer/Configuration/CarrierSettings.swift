/// What the server may do by way of the carrier's API.
public struct CarrierSettings: Sendable, Hashable {
    /// Somebody to whom calls may be given.
    public struct Transfer: Sendable, Hashable {
        /// The name by which the model asks.
        public var name: String
        /// The number.
        public var number: String
    }

    /// Where Twilio's API is.
    public var server = TwilioREST.server
    /// The key that asks; nil is the account with its token.
    public var apiKey: (id: String, secret: String)? { apiKeyID.map { ($0, apiKeySecret) } }
    private var apiKeyID: String?
    private var apiKeySecret = ""
    /// The number from which calls are made; empty when there is none.
    public var number = ""
    /// Beginnings of numbers that may be called; none: nobody may.
    public var outboundPrefixes: [String] = []
    /// To whom calls may be given.
    public var transfers: [Transfer] = []
    /// How long it rings there, in seconds.
    public var transferSeconds = 20

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader) {
        if let url = reader.url("TWILIO_API_URL") { server = url.server }
        apiKeyID = reader.text("TWILIO_API_KEY")
        apiKeySecret = reader.secret("TWILIO_API_SECRET") ?? ""
        if (apiKeyID == nil) != apiKeySecret.isEmpty {
            reader.problems.append("TWILIO_API_KEY: it and TWILIO_API_SECRET belong together")
        }
        number = reader.text("TWILIO_NUMBER") ?? ""
        if !number.isEmpty, !Self.isNumber(number) {
            reader.problems.append("TWILIO_NUMBER: \"\(number)\" is no number such as +15550100")
        }
        outboundPrefixes = reader.list("OUTBOUND_ALLOW") ?? []
        for prefix in outboundPrefixes where !Self.isPrefix(prefix) {
            reader.problems.append("OUTBOUND_ALLOW: \"\(prefix)\" is no beginning of a number such as +1555 or +49")
        }
        for entry in reader.list("TRANSFER_NUMBERS") ?? [] {
            let name = entry.prefix { $0 != "=" }.trimmed
            let number = entry.dropFirst(entry.prefix { $0 != "=" }.count + 1).trimmed
            if name.isEmpty || !Self.isNumber(number) {
                reader.problems.append("TRANSFER_NUMBERS: \"\(entry)\" is not name=+15550100")
            } else {
                transfers.append(Transfer(name: name, number: number))
            }
        }
        transferSeconds = reader.number("TRANSFER_SECONDS", 5...600) ?? transferSeconds
    }

    /// The same for a JSON Schema.
    static let numberPattern = "^\\+[0-9]{4,15}$"

    /// E.164: a plus and up to 15 digits.
    public static func isNumber(_ text: String) -> Bool { isPrefix(text) && text.utf8.count >= 5 }

    private static func isPrefix(_ text: String) -> Bool {
        let digits = text.dropFirst()
        return text.hasPrefix("+") && (1...15).contains(digits.count) && digits.allSatisfy { ("0"..."9").contains($0) }
    }

    /// Why a number may not be called; nil when it may.
    public func refusal(of number: String) -> String? {
        guard Self.isNumber(number) else { return "is no number such as +15550100" }
        if outboundPrefixes.isEmpty { return "may not be called: OUTBOUND_ALLOW names no numbers" }
        if number == self.number { return "is our own number" }
        return outboundPrefixes.contains { number.hasPrefix($0) } ? nil : "is none of those in OUTBOUND_ALLOW"
    }
}
