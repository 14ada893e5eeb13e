import CallPolicy
import Crypto
import RealtimeProtocol
import WebServer

/// Asks a server of the operator's before a call is taken. Whatever goes wrong, the call is led as all are.
///
/// One POST of JSON: `call_sid`, `from`, `to`, `direction`. The answer, all of it optional: what a routing rule may change
/// (`instructions`, `voice`, `model`, `greeting`, `say_first`, `tools`), `variables` and `parameters` (names and texts), and
/// `refuse`, a sentence that the caller hears instead. Signed, when there is a key, in `X-Trunkline-Signature`: the
/// hexadecimal HMAC-SHA256 of the body.
struct PreCallQuestion: Sendable {
    /// Parameters and variables of an answer.
    static let entriesMaximum = 64
    private static let answerBytesMaximum = 64 * 1024

    let settings: ToolSettings
    let fetcher: any HTTPFetching

    /// Nil when nobody is asked, or the answer is none.
    func ask(_ facts: CallFacts, callSID: String, direction: String) async -> Result<PreparedCall, OutboundFailure>? {
        guard let url = settings.preCall else { return nil }
        let body: JSONValue = [
            "call_sid": .string(callSID), "from": .string(facts.caller), "to": .string(facts.called),
            "direction": .string(direction),
        ]
        var request = OutboundRequest(method: "POST", server: url.server, target: url.target)
        request.body = body.encode()
        request.headers = [.init("Content-Type", "application/json"), .init("Accept-Encoding", "identity")]
        if let signature = WebhookSignature.header(request.body, key: settings.preCallSecret) {
            request.headers.append(signature)
        }
        request.timeoutMilliseconds = settings.preCallMilliseconds
        request.answerBytesMaximum = Self.answerBytesMaximum
        do throws(OutboundFailure) {
            let answer = try await fetcher.fetch(request)
            guard (200...299).contains(answer.status), let read = Self.read(answer.body) else {
                return .failure(.malformed)
            }
            return .success(read)
        } catch {
            return .failure(error)
        }
    }

    /// Nil when it is no object, or one of its values is wrong.
    static func read(_ body: [UInt8]) -> PreparedCall? {
        if body.isEmpty { return PreparedCall() }
        guard let object = (try? JSONValue(parsing: body))?.objectValue else { return nil }
        var answer = PreparedCall()
        var changes = JSONObject()
        for member in object.members {
            switch member.key {
            case "variables": answer.variables = texts(member.value)
            case "parameters": answer.parameters = texts(member.value)
            case "refuse": answer.refusal = member.value.stringValue
            default: changes.append(member.key, member.value)
            }
        }
        guard let read = CallChanges(changes) else { return nil }
        answer.changes = read
        return answer
    }

    private static func texts(_ value: JSONValue) -> [String: String] {
        var texts: [String: String] = [:]
        for member in (value.objectValue?.members ?? []).prefix(entriesMaximum) {
            texts[member.key] = member.value.stringValue ?? member.value.text
        }
        return texts
    }
}

/// The signature of what we post to servers of the operator's.
enum WebhookSignature {
    static func header(_ body: [UInt8], key: String) -> OutboundRequest.Header? {
        if key.isEmpty { return nil }
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(key.utf8)))
        return .init("X-Trunkline-Signature", Hexadecimal.encode(code))
    }
}
