import CallPolicy
import RealtimeProtocol
import WebServer

/// Gives calls to somebody else: by a document for the carrier that calls them and puts both through.
struct CallTransfer: Sendable {
    /// Why a call was not given away, in words for the model and the operator.
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// The name of the tool.
    static let toolName = "transfer_call"
    /// The longest wait until the agent has said what it says, in milliseconds.
    static let hearMilliseconds = 8_000

    let rest: TwilioREST
    let live: LiveSettings
    let directory: CallDirectory

    /// Calls a number for a caller and ends our part of the call.
    ///
    /// - Parameter taken: Called when the carrier has taken it, while the call is still ours.
    func transfer(
        call callSID: String,
        to number: String,
        by initiator: EndInitiator,
        taken: @Sendable () -> Void = {}
    ) async throws {
        let settings = live.settings
        let action = settings.publicOrigin?.pageURL(path: CarrierEndpoints.transferEndedPath)
        var verbs: [TwiML.Verb] = [
            .dial(number: number, timeoutSeconds: settings.carrier.transferSeconds, action: action)
        ]
        // Without an address of ours nobody can ask what became of it.
        if action == nil { verbs.append(settings.texts.refusing) }
        try await directory.untilHeard(callSID, atMost: Self.hearMilliseconds)
        // The carrier stops the stream as soon as it knows, which may be before its answer comes.
        _ = await directory.command(.handOver(initiator), to: callSID)
        do throws(TwilioRESTError) {
            try await rest.redirect(call: callSID, to: TwiML(verbs))
        } catch {
            _ = await directory.command(.handOver(nil), to: callSID)
            throw Failure(description: error.description)
        }
        taken()
        _ = await directory.command(.hangUp(initiator, .transferred), to: callSID)
    }

    /// The tool by which the agent gives a call away; nil when there is nobody.
    func register(in registry: inout ToolRegistry, _ transfers: [CarrierSettings.Transfer]) {
        if transfers.isEmpty { return }
        let definition = ToolDefinition(
            name: Self.toolName,
            description:
                "Puts the caller through to a person. Tell the caller first that you do it. The call then ends for you.",
            parameters: [
                "type": "object", "required": ["to"],
                "properties": [
                    "to": [
                        "type": "string", "description": "Who takes the call.",
                        "enum": .array(transfers.map { .string($0.name) }),
                    ]
                ],
            ],
            timeoutMilliseconds: 20_000
        )
        registry.register(definition) { (arguments: JSONValue, context) in
            guard let number = transfers.first(where: { $0.name == arguments["to"]?.stringValue })?.number,
                let callSID = context.carrier?.callID
            else { throw Failure(description: "there is nobody of that name") }
            try await transfer(call: callSID, to: number, by: .agent)
            return #"{"ok":true}"#
        }
    }
}
