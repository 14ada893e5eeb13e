import CallBridge
public import CallPolicy
public import Simulators
public import Trunk

extension PhoneScript {
    /// A caller whose every frame can be told, with ids that belong to its number.
    ///
    /// - Parameters:
    ///   - number: From 1 to 65,535; the model's log and the phone's report know the caller by it.
    ///   - steps: What it does.
    public static func pattern(_ number: Int, _ steps: [Step]) -> PhoneScript {
        var script = PhoneScript(steps)
        script.patternStream = UInt16(number)
        script.recordsAudio = false
        let digits = String(number)
        let fill = String(repeating: "0", count: 32 - digits.count)
        script.callID = "CA" + fill + digits
        script.streamID = "MZ" + fill + digits
        return script
    }
}

extension Rig {
    /// The policy's events of one call, in order.
    public func events(of callSID: String) -> [CallEvent] {
        callRecords.compactMap { record in
            guard record.callSID == callSID, case .event(let event) = record.kind else { return nil }
            return event
        }
    }

    /// How a call ended; nil when the server has not told.
    public func ending(of callSID: String) -> (reason: EndReason, initiator: EndInitiator, stats: CallStats)? {
        for record in callRecords where record.callSID == callSID {
            if case .ended(let reason, let initiator, let stats) = record.kind { return (reason, initiator, stats) }
        }
        return nil
    }

    /// Waits until the server has told how a call ended; the phone knows a moment earlier.
    public func waitForEnding(of callSID: String) async {
        await Patience.wait { ending(of: callSID) != nil }
    }

    /// Waits until a condition on the model's log holds.
    public func wait(_ condition: (ModelLog) -> Bool) async {
        await Patience.wait { condition(modelLog) }
    }
}
