import CallServer
import Synchronization
import WebServer

/// Twilio's REST API for calls, as far as its answers have shapes: made and updated calls, and its errors.
final class FakeTwilio: HTTPFetching {
    static let account = "AC00000000000000000000000000000001"
    static let token = "0123456789abcdef0123456789abcdef"

    fileprivate struct State {
        var calls: [String: String] = [:]
        var requests: [OutboundRequest] = []
        var next = 1
    }

    private let state = Mutex(State())
    /// Answers for servers that are not Twilio's.
    private let others: (any HTTPFetching)?

    /// Runs when a call is redirected, before that is answered: the carrier stops the stream at once.
    private let redirected: @Sendable () async -> Void

    init(others: (any HTTPFetching)? = nil, redirected: @escaping @Sendable () async -> Void = {}) {
        self.others = others
        self.redirected = redirected
    }

    /// Requests to the API, as form fields.
    var forms: [(target: String, form: [String: String])] {
        state.withLock { state in
            state.requests.map { ($0.target, ((try? FormFields(parsing: $0.body)) ?? FormFields()).firstValues) }
        }
    }

    /// Lets a call be in progress.
    func begin(_ id: String) { state.withLock { $0.calls[id] = "in-progress" } }

    func status(_ id: String) -> String? { state.withLock { $0.calls[id] } }

    func fetch(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundAnswer {
        if request.server != TwilioREST.server, let others { return try await others.fetch(request) }
        let answer = state.withLock { $0.answer(request) }
        let form = ((try? FormFields(parsing: request.body)) ?? FormFields()).firstValues
        if answer.status == 200, form["Twiml"] != nil { await redirected() }
        return answer
    }

    /// The signature of a request that Twilio makes.
    static func signature(_ url: String, _ fields: [(String, String)] = []) -> String {
        let form = FormFields(fields.map { FormFields.Field($0.0, $0.1) })
        return "X-Twilio-Signature: " + TwilioSignature.sign(url: url, fields: form, key: token)
    }
}

extension FakeTwilio.State {
    fileprivate mutating func answer(_ request: OutboundRequest) -> OutboundAnswer {
        requests.append(request)
        let form = ((try? FormFields(parsing: request.body)) ?? FormFields()).firstValues
        let root = "/2010-04-01/Accounts/\(FakeTwilio.account)/Calls"
        guard request.headers.contains(where: { $0.name == "Authorization" && $0.value.hasPrefix("Basic ") }) else {
            return error(401, 20003, "Authenticate")
        }
        if request.target == root + ".json" {
            guard form["To"] != nil, form["From"] != nil, form["Url"] != nil || form["Twiml"] != nil else {
                return error(400, 21205, "Url is not a valid URL")
            }
            let digits = String(next, radix: 16)
            let id = "CA" + String(repeating: "e", count: 32 - digits.count) + digits
            next += 1
            calls[id] = "queued"
            return OutboundAnswer(
                status: 201,
                body: Array(#"{"sid":"\#(id)","status":"queued","direction":"outbound-api","price":null}"#.utf8)
            )
        }
        let id = String(request.target.dropFirst(root.count + 1).prefix { $0 != "." })
        guard let status = calls[id] else {
            return error(404, 20404, "The requested resource \(request.target) was not found")
        }
        if form["Status"] == "completed" {
            calls[id] = "completed"
        } else if status != "in-progress" {
            return error(400, 21220, "Call is not in-progress. Cannot redirect.")
        }
        return OutboundAnswer(status: 200, body: Array(#"{"sid":"\#(id)","status":"\#(calls[id]!)"}"#.utf8))
    }

    private func error(_ status: Int, _ code: Int, _ message: String) -> OutboundAnswer {
        let body =
            #"{"code":\#(code),"message":"\#(message)","more_info":"https://www.twilio.com/docs/errors/\#(code)","#
            + #""status":\#(status)}"#
        return OutboundAnswer(status: status, body: Array(body.utf8))
    }
}
