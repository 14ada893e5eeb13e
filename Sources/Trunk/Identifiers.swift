internal import CTrunk

/// A leg of one engine: slot and generation, so that the id of a closed leg stays an error.
public struct LegID: Hashable, Sendable, CustomStringConvertible {
    let slot: UInt32
    let generation: UInt32

    init(_ raw: RawLegID) {
        slot = raw.slot
        generation = raw.generation
    }

    var raw: RawLegID { RawLegID(slot: slot, generation: generation) }

    /// `leg 3.1`, for logs.
    public var description: String { "leg \(slot).\(generation)" }
}

/// A call of one engine.
public struct CallID: Hashable, Sendable, CustomStringConvertible {
    let slot: UInt32
    let generation: UInt32

    init(_ raw: RawCallID) {
        slot = raw.slot
        generation = raw.generation
    }

    var raw: RawCallID { RawCallID(slot: slot, generation: generation) }

    /// `call 3.1`, for logs.
    public var description: String { "call \(slot).\(generation)" }
}
