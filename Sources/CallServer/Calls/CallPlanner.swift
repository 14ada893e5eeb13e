import CallBridge
import CallPolicy
import Logging
import Trunk
import WebServer

/// Decides how each call is led: by the settings, the routing, what the operator's own server says before the call, and
/// what was asked for with a call that we make; and whether there is room for it.
final class CallPlanner: Sendable {
    /// What was counted.
    struct Counters: Sendable {
        var preCallAsked = 0
        var preCallFailed = 0
        var preparedForgotten = 0
        var rules: [String: Int] = [:]
    }

    /// What a webhook is answered.
    enum Answer: Sendable {
        /// The call is taken; with what goes along with its stream.
        case take(parameters: [FormFields.Field])
        /// The caller hears this instead.
        case refuse(String)
    }

    /// Names of parameters by which the stream tells whose it is.
    static let callerParameter = "from"
    static let calledParameter = "to"
    static let directionParameter = "direction"
    /// Rules that are counted by name.
    private static let rulesCounted = 200

    private let live: LiveSettings
    private let endpoint: @Sendable (_ model: String) throws -> ModelEndpoint
    private let fetcher: (any HTTPFetching)?
    private let logger: Logger
    private let prepared = Locked(PreparedCalls())
    private let counted = Locked(Counters())
    let caps = Locked(CallCaps())

    init(
        _ live: LiveSettings,
        fetcher: (any HTTPFetching)?,
        logger: Logger,
        endpoint: @escaping @Sendable (_ model: String) throws -> ModelEndpoint
    ) {
        self.live = live
        self.fetcher = fetcher
        self.logger = logger
        self.endpoint = endpoint
    }

    var counters: Counters {
        var counters = counted.withLock { $0 }
        counters.preparedForgotten = prepared.withLock { $0.forgottenEarly }
        return counters
    }

    // MARK: - Before the stream

    /// Keeps what was asked for with a call that we make, until its webhook names it.
    func keep(_ call: PreparedCall, for name: String) {
        prepared.withLock { $0.keep(call, for: name, now: UnixTime.milliseconds) }
    }

    /// What is kept for a call.
    func kept(for callSID: String) -> PreparedCall? { prepared.withLock { $0[callSID] } }

    /// What travels with a call's stream.
    private static func parameters(_ facts: CallFacts, _ direction: String, _ call: PreparedCall?) -> [FormFields.Field]
    {
        let known = [
            (callerParameter, facts.caller), (calledParameter, facts.called), (directionParameter, direction),
        ]
        let names = Set(known.map(\.0))
        let more = (call?.parameters ?? [:]).filter { !names.contains($0.key) }.sorted { $0.key < $1.key }
        return (known + more.map { ($0.key, $0.value) }).filter { !$0.1.isEmpty }.map(FormFields.Field.init)
    }

    /// What travels with the stream of a call that comes back, which goes on by its own plan: `addendum` is added.
    func comeBack(_ facts: CallFacts, callSID: String, direction: String, _ addendum: (inout PreparedCall) -> Void)
        -> [FormFields.Field]
    {
        var call = kept(for: callSID) ?? PreparedCall()
        addendum(&call)
        keep(call, for: callSID)
        return Self.parameters(facts, direction, call)
    }

    /// The call that was made under this name has an id now.
    func move(_ name: String, to callSID: String) {
        prepared.withLock { $0.move(name, to: callSID, now: UnixTime.milliseconds) }
    }

    /// Answers a webhook. A second one of the same call finds what the first found out.
    func prepare(_ facts: CallFacts, callSID: String?, direction: String) async -> Answer {
        let settings = live.settings
        let isOver = caps.withLock {
            $0.refusal(caller: Self.party(facts, direction), address: nil, settings.caps, now: UnixTime.milliseconds)
                != nil
        }
        if isOver { return .refuse(settings.texts.refusal) }
        var call = callSID.flatMap { id in prepared.withLock { $0[id] } }
        if call == nil, let callSID, let fetcher {
            call = await ask(facts, callSID, direction, PreCallQuestion(settings: settings.tools, fetcher: fetcher))
            if let call { keep(call, for: callSID) }
        }
        if let refusal = call?.refusal { return .refuse(refusal) }
        return .take(parameters: Self.parameters(facts, direction, call))
    }

    private func ask(
        _ facts: CallFacts,
        _ callSID: String,
        _ direction: String,
        _ question: PreCallQuestion
    ) async -> PreparedCall? {
        guard let answer = await question.ask(facts, callSID: callSID, direction: direction) else { return nil }
        counted.withLock { $0.preCallAsked += 1 }
        switch answer {
        case .success(let call): return call
        case .failure(let failure):
            counted.withLock { $0.preCallFailed += 1 }
            logger.warning(
                "PRE_CALL_URL gave no usable answer (\(failure.rawValue)); the call is led as all are",
                metadata: ["call": "\(callSID)"]
            )
            // Asked once: a second webhook of the call does not wait again.
            return PreparedCall()
        }
    }

    /// The number at the other end: of a call that we make it is the called one (`outbound-api`).
    private static func party(_ facts: CallFacts, _ direction: String) -> String {
        direction.hasPrefix("outbound") ? facts.called : facts.caller
    }

    // MARK: - The stream

    /// How a stream is led that was let in; nil when it is one too many.
    func plan(_ offer: StreamOffer) -> CallPlan? {
        let settings = live.settings
        let start = offer.start
        let facts = CallFacts(
            called: start.parameters[Self.calledParameter] ?? "",
            caller: start.parameters[Self.callerParameter] ?? "",
            parameters: start.parameters
        )
        let hasRoom = caps.withLock {
            $0.enter(
                start.callID,
                caller: Self.party(facts, start.parameters[Self.directionParameter] ?? ""),
                address: offer.address,
                settings.caps,
                now: UnixTime.milliseconds
            )
        }
        guard hasRoom else { return nil }
        let call = prepared.withLock { $0[start.callID] } ?? PreparedCall()
        let rule = settings.routing.rule(for: facts)
        let changes = (rule?.changes ?? CallChanges()).overridden(by: call.changes)
        var configuration = changes.applied(to: live.call)
        let variables = start.parameters.merging(call.variables) { $1 }
        configuration.session.instructions = Self.fill(configuration.session.instructions, variables)
        if !call.addendum.isEmpty { configuration.session.instructions += "\n\n" + call.addendum }
        var tools = live.offeredTools
        if let names = changes.tools {
            tools = live.tools.only(names)
            configuration.tools.offersEndCall = names.contains(BuiltInTools.endCallName)
        }
        // What Twilio did not bring cannot be given away: a model must not promise it.
        if !offer.isTwilio, !settings.carrier.transfers.isEmpty {
            tools = tools.only(tools.definitions.map(\.name).filter { $0 != CallTransfer.toolName })
        }
        let name = rule?.name ?? ""
        counted.withLock { counters in
            if counters.rules[name] != nil || counters.rules.count < Self.rulesCounted {
                counters.rules[name, default: 0] += 1
            }
        }
        do {
            let model = try endpoint(configuration.session.model)
            return CallPlan(call: configuration, model: model, tools: tools, rule: name)
        } catch {
            caps.withLock { $0.leave(start.callID) }
            logger.error("the model's address cannot be made: \(error)", metadata: ["call": "\(start.callID)"])
            return nil
        }
    }

    /// Puts values for `{{name}}`; names that are not known stay.
    static func fill(_ text: String, _ variables: [String: String]) -> String {
        guard text.firstRange(ofText: "{{") != nil else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(ofText: "{{"), let end = rest[start.upperBound...].firstRange(ofText: "}}") {
            let name = rest[start.upperBound..<end.lowerBound].trimmed
            result += rest[..<start.lowerBound]
            result += variables[name] ?? String(rest[start.lowerBound..<end.upperBound])
            rest = rest[end.upperBound...]
        }
        return result + rest
    }
}
