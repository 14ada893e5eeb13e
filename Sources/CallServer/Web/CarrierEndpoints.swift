import CallBridge
import CallPolicy
import HTTPTypes
import Logging
import Trunk
import WebServer

/// What carriers ask for: documents for calls, and somebody to tell what became of them.
struct CarrierEndpoints: Sendable {
    let live: LiveSettings
    let carrier: CarrierGuard
    let planner: CallPlanner
    let directory: CallDirectory
    let drain: DrainState
    /// Whether there is room for one more call, and a model that takes it.
    let hasRoom: @Sendable () -> Bool
    let logger: Logger

    static let incomingPath = "/incoming-call"
    static let transferEndedPath = "/transfer-ended"
    static let statusPath = "/status"
    static let fallbackPath = "/fallback"
    /// The name by which a webhook knows the call that we made.
    static let outboundQuery = "outbound"
    /// After the carrier said that a call is over, its stream may take so long to end, in milliseconds.
    static let graceMilliseconds = 5_000

    private static let xml = "application/xml"
    /// What is read of a webhook's form.
    private static let callFields = ["CallSid", "From", "To", "Direction"]

    var routes: [Route] {
        let answers = [
            (200, "a document"), (400, "it cannot be read"), (403, "it is not the carrier's"), (415, "no form"),
        ]
        func webhook(_ method: HTTPRequest.Method, _ path: String, stream: @escaping @Sendable () -> String) -> Route {
            Route(
                method,
                path,
                "TwiML for a call",
                form: method == .post ? Self.callFields : [],
                responseType: Self.xml,
                responses: answers
            ) { await document($0, stream()) }
        }
        let twiml: @Sendable () -> String = { live.settings.compat == .demo ? "/call" : "/ws/call" }
        return [
            webhook(.get, Self.incomingPath) { "/media-stream" }, webhook(.post, Self.incomingPath) { "/media-stream" },
            webhook(.get, "/twiml", stream: twiml), webhook(.post, "/twiml", stream: twiml),
            Route(
                .post,
                Self.transferEndedPath,
                "TwiML after a transfer: back to the agent when nobody answered",
                form: Self.callFields + ["DialCallStatus"],
                responseType: Self.xml,
                responses: answers
            ) { transferEnded($0) },
            fallback(.get), fallback(.post),
            Route(
                .post,
                Self.statusPath,
                "Takes the carrier's status callbacks",
                form: ["CallSid", "CallStatus", "StreamEvent", "AnsweredBy"],
                responses: [
                    (204, "noted"), (400, "it cannot be read"), (403, "it is not the carrier's"), (415, "no form"),
                ]
            ) { status($0) },
        ]
    }

    private func fallback(_ method: HTTPRequest.Method) -> Route {
        Route(
            method,
            Self.fallbackPath,
            "TwiML for when everything else fails: says that no call is taken",
            responseType: Self.xml
        ) { _ in refusal() }
    }

    private func refusal(_ text: String? = nil) -> WebResponse {
        let texts = live.settings.texts
        return .text(TwiML.refusal(text ?? texts.refusal, speech: texts.speech).text, type: Self.xml)
    }

    /// The document that sends a call to us, or tells the caller why not: always with status 200, since the carrier
    /// speaks of an application error otherwise.
    private func document(_ request: WebRequest, _ path: String) async -> WebResponse {
        if let refusal = carrier.refusal(ofWebhook: request) { return refusal }
        if drain.isDraining || !hasRoom() { return refusal() }
        guard let origin = carrier.origin(request) else {
            return .problem(.badRequest, "the request names no host, and PUBLIC_URL is not set")
        }
        let form = request.form.isEmpty ? request.query : request.form
        let callSID = form["CallSid"]
        if let callSID, let name = request.query[Self.outboundQuery] { planner.move(name, to: callSID) }
        var stream = TwiML.Stream(url: origin.streamURL(path: path))
        switch carrier.token(call: callSID) {
        case .notNeeded: break
        case .token(let token): stream.parameters.append(.init(CarrierGuard.parameter, token))
        case .none: return .problem(.badRequest, "CallSid is no id of a call")
        }
        let facts = CallFacts(called: form["To"] ?? "", caller: form["From"] ?? "")
        switch await planner.prepare(facts, callSID: callSID, direction: form["Direction"] ?? "") {
        case .take(let parameters): stream.parameters += parameters
        case .refuse(let words): return refusal(words)
        }
        let settings = live.settings
        return .text(settings.template?.text(stream) ?? settings.texts.document(stream).text, type: Self.xml)
    }

    /// A call that was given away comes back when nobody took it, and the agent knows what was said before.
    private func transferEnded(_ request: WebRequest) -> WebResponse {
        if let refusal = carrier.refusal(ofWebhook: request) { return refusal }
        let form = request.form
        guard form["DialCallStatus"] != "completed" else { return .text(TwiML([.hangUp]).text, type: Self.xml) }
        guard let callSID = form["CallSid"], let origin = carrier.origin(request), !drain.isDraining, hasRoom() else {
            return refusal()
        }
        var stream = TwiML.Stream(url: origin.streamURL(path: "/media-stream"))
        switch carrier.token(call: callSID) {
        case .notNeeded: break
        case .token(let token): stream.parameters.append(.init(CarrierGuard.parameter, token))
        case .none: return refusal()
        }
        let before = directory.entry(callSID)
        let facts = CallFacts(
            called: form["To"] ?? before?.called ?? "",
            caller: form["From"] ?? before?.caller ?? ""
        )
        stream.parameters += planner.comeBack(
            facts,
            callSID: callSID,
            direction: form["Direction"] ?? before?.direction ?? ""
        ) { Self.goOn(&$0, after: before) }
        return .text(TwiML([.connect(stream), live.settings.texts.refusing]).text, type: Self.xml)
    }

    /// Lines of the conversation before a transfer that the agent is told of.
    private static let linesTold = 20

    private static func goOn(_ call: inout PreparedCall, after entry: CallEntry?) {
        let lines = (entry?.lines ?? []).suffix(linesTold).map { "\($0.who): \($0.text)" }
        call.addendum =
            "You tried to put the caller through to a person, but nobody answered. Say so and go on with the call; do not "
            + "greet again." + (lines.isEmpty ? "" : " What was said before:\n" + lines.joined(separator: "\n"))
        call.changes.greeting = .agentFirst(
            .instructions("Tell the caller that nobody answered, and offer to help yourself.")
        )
    }

    /// Order is not guaranteed, and calls may be unknown: nothing but the end of a call of ours has a consequence.
    private func status(_ request: WebRequest) -> WebResponse {
        if let refusal = carrier.refusal(ofWebhook: request) { return refusal }
        let form = request.form
        let callSID = form["CallSid"] ?? ""
        let status = (form["CallStatus"] ?? form["StreamEvent"] ?? "").filter { $0.isLetter || $0 == "-" }.prefix(20)
        var metadata: Logger.Metadata = ["call": "\(callSID.filter { $0.isLetter || $0.isNumber }.prefix(40))"]
        if let answeredBy = form["AnsweredBy"] {
            metadata["answered_by"] = "\(answeredBy.filter { $0.isLetter || $0 == "_" }.prefix(30))"
            directory.act("answered by \(metadata["answered_by"]!)", by: "carrier", on: callSID)
            if answeredBy.hasPrefix("machine") || answeredBy == "fax" { tellOfMachine(callSID) }
        }
        if form["CallStatus"] != nil { directory.report(String(status), of: callSID) }
        logger.info("carrier reports \(status)", metadata: metadata)
        guard CallDirectory.finalStatuses.contains(form["CallStatus"] ?? "") else {
            return WebResponse(status: .noContent)
        }
        // The stream's own end comes first as a rule; a connection that hangs is ended for it.
        if directory.entry(callSID)?.seat != nil {
            let directory = directory
            Task {
                try? await Task.sleep(nanoseconds: UInt64(Self.graceMilliseconds) * 1_000_000)
                _ = await directory.command(.hangUp(.caller, .callerHungUp), to: callSID)
            }
        }
        return WebResponse(status: .noContent)
    }

    private func tellOfMachine(_ callSID: String) {
        let text = planner.kept(for: callSID)?.machineInstruction ?? PreparedCall.machineInstruction
        let directory = directory
        Task { _ = await directory.command(.instruct(text), to: callSID) }
    }
}
