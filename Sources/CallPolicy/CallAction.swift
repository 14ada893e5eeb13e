public import RealtimeProtocol

/// What the machine wants done, in order.
public enum CallAction: Sendable, Hashable {
    /// Open a connection to the model.
    case dialModel(ModelLeg)
    /// Close a connection to the model.
    case closeModel(ModelLeg, code: Int, reason: String)
    /// Send an event to the model.
    case send(ModelLeg, ClientEvent)
    /// Let the caller's audio, and what was kept waiting, flow to this leg; play this leg's audio; close the gate of
    /// every other leg.
    case openCallerAudio(ModelLeg)
    /// Keep the caller's audio in the bounded waiting buffer.
    case holdCallerAudio
    /// Clear the phone and drop all queued audio, and what still comes of those items and of the active response.
    case interruptPlayback
    /// Drop what still comes of this response.
    case muteResponse(responseID: String)
    /// Let the caller hear a short tone, unless something else plays: the model has not answered yet.
    case playWaitingTone
    /// Run a tool; `toolFinished` tells its result.
    case runTool(ToolInvocation)
    /// Stop a tool; its result is not wanted any more.
    case cancelTool(callID: String)
    /// Give a `timer` input at this moment; replaces the moment set before, nil is none.
    case setTimer(at: CallTime?)
    /// Close the carrier's connection.
    case closeCarrier(code: Int, reason: String)
    /// Let the caller not hear the agent, or hear it again.
    case muteAgent(Bool)
    /// Something worth writing down.
    case record(CallEvent)
    /// The call is over: the last action, exactly once.
    case ended(EndReason, EndInitiator)
}

/// One run of a tool.
public struct ToolInvocation: Sendable, Hashable {
    /// The model's id of the call.
    public var callID: String
    /// The tool.
    public var name: String
    /// The arguments, valid by the tool's schema.
    public var arguments: JSONValue
    /// How long the tool may take, in milliseconds.
    public var timeoutMilliseconds: Int

    /// A run.
    public init(callID: String, name: String, arguments: JSONValue, timeoutMilliseconds: Int) {
        self.callID = callID
        self.name = name
        self.arguments = arguments
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}
