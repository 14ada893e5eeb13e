import RealtimeProtocol
import Trunk
import WebServer

/// Why Twilio did not do what it was asked to.
public struct TwilioRESTError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status; 0 when there was no answer.
    public let status: Int
    /// Twilio's code; 0 when there was none.
    public let code: Int
    /// What it means, in plain words.
    public let description: String

    init(_ failure: OutboundFailure) {
        status = 0
        code = 0
        description = "Twilio could not be asked: \(failure.rawValue)"
    }

    init(_ answer: OutboundAnswer) {
        let body = try? JSONValue(parsing: answer.body)
        status = answer.status
        code = body?["code"]?.integerValue.flatMap { Int(exactly: $0) } ?? 0
        description = Self.words(status: status, code: code, message: body?["message"]?.stringValue)
    }

    init(description: String) {
        status = 0
        code = 0
        self.description = description
    }

    private static func words(status: Int, code: Int, message: String?) -> String {
        switch code {
        case 20003: return "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (20003)"
        case 20404: return "Twilio knows no such call, or it is over (20404)"
        case 20429: return "Twilio was asked too often (20429)"
        case 21220: return "the call is not in progress (21220)"
        default: break
        }
        let detail = message.map { ": " + String($0.prefix(200)) } ?? ""
        return code == 0 ? "Twilio answered with status \(status)" : "Twilio refused (\(code))\(detail)"
    }
}

/// A call to be made.
public struct OutgoingCall: Sendable, Hashable {
    /// Whether somebody or a machine answered is found out while the call goes on.
    public struct MachineDetection: Sendable, Hashable {
        /// Where the result is posted.
        public var callback: String
        /// How long it may take, in seconds.
        public var timeoutSeconds = 30

        /// A detection that posts its result.
        public init(callback: String) { self.callback = callback }
    }

    /// Whom to call.
    public var to: String
    /// The number that the callee sees; one of the account.
    public var from: String
    /// Where the document is that says what happens when somebody answers.
    public var url: String
    /// Where to ask when that gives no document.
    public var fallbackURL: String?
    /// Where the state of the call is posted.
    public var statusCallback: String?
    /// How long it may ring, in seconds.
    public var ringSeconds = 60
    /// The longest call, in seconds; nil is the account's own.
    public var longestSeconds: Int?
    /// Nil is none.
    public var machineDetection: MachineDetection?

    /// A call.
    public init(to: String, from: String, url: String) {
        self.to = to
        self.from = from
        self.url = url
    }

    var fields: FormFields {
        var fields: [FormFields.Field] = [
            .init("To", to), .init("From", from), .init("Url", url), .init("Timeout", "\(ringSeconds)"),
        ]
        if let fallbackURL { fields.append(.init("FallbackUrl", fallbackURL)) }
        if let longestSeconds { fields.append(.init("TimeLimit", "\(longestSeconds)")) }
        if let statusCallback {
            fields.append(.init("StatusCallback", statusCallback))
            for event in ["initiated", "ringing", "answered", "completed"] {
                fields.append(.init("StatusCallbackEvent", event))
            }
        }
        if let machineDetection {
            fields += [
                .init("MachineDetection", "Enable"), .init("AsyncAmd", "true"),
                .init("AsyncAmdStatusCallback", machineDetection.callback),
                .init("MachineDetectionTimeout", "\(machineDetection.timeoutSeconds)"),
            ]
        }
        return FormFields(fields)
    }
}

/// A number of the account.
public struct TwilioNumber: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// The number.
    public var number: String
    /// Who is asked for a document when it is called.
    public var voiceURL: String
}

/// Twilio's REST API, as far as calls need it.
public struct TwilioREST: Sendable {
    /// Where Twilio is.
    public static let server = OutboundServer(host: "api.twilio.com")
    /// Characters of a document that travels in a parameter.
    public static let documentMaximum = 4_000

    /// What may be sent a second time.
    private enum Repetition {
        /// Whatever went wrong: done twice it is the same.
        case always
        /// Only what was surely not done.
        case whenRefused
    }

    private let account: String
    private let authorization: String
    private let server: OutboundServer
    private let fetcher: any HTTPFetching

    /// The API for an account.
    ///
    /// - Parameters:
    ///   - account: The account's id.
    ///   - token: Its auth token.
    ///   - apiKey: A key of the account with its secret, which asks instead.
    ///   - server: Where Twilio is, or one that answers like it.
    ///   - fetcher: Sends the requests.
    public init(
        account: String,
        token: String,
        apiKey: (id: String, secret: String)? = nil,
        server: OutboundServer = server,
        fetcher: any HTTPFetching
    ) {
        self.account = account
        let (user, secret) = apiKey ?? (account, token)
        authorization = "Basic " + Base64.encode(Array("\(user):\(secret)".utf8))
        self.server = server
        self.fetcher = fetcher
    }

    /// Ends a call. One that is over already, or unknown, is fine.
    public func hangUp(call id: String) async throws(TwilioRESTError) {
        let fields = FormFields([.init("Status", "completed")])
        do throws(TwilioRESTError) {
            _ = try await post(try path(call: id), fields, .always)
        } catch {
            guard error.status == 404, error.code == 20404 || error.code == 0 else { throw error }
        }
    }

    /// Gives a running call another document; its stream ends.
    public func redirect(call id: String, to document: TwiML) async throws(TwilioRESTError) {
        try check(document)
        _ = try await post(try path(call: id), FormFields([.init("Twiml", document.text)]), .whenRefused)
    }

    /// Makes a call.
    ///
    /// - Returns: Its id.
    public func create(_ call: OutgoingCall) async throws(TwilioRESTError) -> String {
        let answer = try await post("/Calls.json", call.fields, .whenRefused)
        guard let id = (try? JSONValue(parsing: answer.body))?["sid"]?.stringValue, TwilioID.isCall(id) else {
            throw TwilioRESTError(description: "Twilio's answer names no call")
        }
        return id
    }

    /// The account's first numbers.
    public func numbers() async throws(TwilioRESTError) -> [TwilioNumber] {
        var request = request("GET", "/IncomingPhoneNumbers.json?PageSize=\(Self.numbersMaximum)")
        request.answerBytesMaximum = 1024 * 1024
        let answer = try await send(request)
        let list = (try? JSONValue(parsing: answer.body))?["incoming_phone_numbers"]?.arrayValue ?? []
        return list.compactMap { entry in
            guard let id = entry["sid"]?.stringValue, let number = entry["phone_number"]?.stringValue else {
                return nil
            }
            return TwilioNumber(id: id, number: number, voiceURL: entry["voice_url"]?.stringValue ?? "")
        }
    }

    /// Lets calls to a number ask this address for a document, and another when that fails; how they end is posted to the
    /// third.
    public func setWebhook(ofNumber id: String, to url: String, fallback: String, status: String)
        async throws(TwilioRESTError)
    {
        guard id.hasPrefix("PN"),
            id.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isLetter || Character(Unicode.Scalar($0)).isNumber })
        else { throw TwilioRESTError(description: "that is no id of a number") }
        let fields = FormFields([
            .init("VoiceUrl", url), .init("VoiceMethod", "POST"), .init("VoiceFallbackUrl", fallback),
            .init("VoiceFallbackMethod", "POST"), .init("StatusCallback", status),
            .init("StatusCallbackMethod", "POST"),
        ])
        _ = try await post("/IncomingPhoneNumbers/\(id).json", fields, .always)
    }

    /// Numbers that are listed.
    private static let numbersMaximum = 100

    private func check(_ document: TwiML) throws(TwilioRESTError) {
        guard document.text.count <= Self.documentMaximum else {
            throw TwilioRESTError(description: "the document is longer than \(Self.documentMaximum) characters")
        }
    }

    private func path(call id: String) throws(TwilioRESTError) -> String {
        guard TwilioID.isCall(id) else { throw TwilioRESTError(description: "that is no id of a call") }
        return "/Calls/\(id).json"
    }

    private func post(
        _ path: String,
        _ fields: FormFields,
        _ repetition: Repetition
    ) async throws(TwilioRESTError) -> OutboundAnswer {
        var request = request("POST", path)
        request.headers.append(.init("Content-Type", "application/x-www-form-urlencoded"))
        request.body = Array(fields.encoded.utf8)
        do throws(TwilioRESTError) {
            return try await send(request)
        } catch {
            let wasRefused = error.status == 429
            let isPassing = wasRefused || error.status >= 500 || (error.status == 0 && error.code == 0)
            guard wasRefused || (repetition == .always && isPassing) else { throw error }
            try? await Task.sleep(nanoseconds: UInt64.random(in: 200...600) * 1_000_000)
            return try await send(request)
        }
    }

    private func request(_ method: String, _ path: String) -> OutboundRequest {
        var request = OutboundRequest(
            method: method,
            server: server,
            target: "/2010-04-01/Accounts/\(account)\(path)"
        )
        request.headers = [.init("Authorization", authorization), .init("Accept-Encoding", "identity")]
        return request
    }

    private func send(_ request: OutboundRequest) async throws(TwilioRESTError) -> OutboundAnswer {
        let answer: OutboundAnswer
        do throws(OutboundFailure) {
            answer = try await fetcher.fetch(request)
        } catch {
            throw TwilioRESTError(error)
        }
        guard (200...299).contains(answer.status) else { throw TwilioRESTError(answer) }
        return answer
    }
}
