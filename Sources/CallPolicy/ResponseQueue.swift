import RealtimeProtocol

/// A response that is to be asked for.
struct ResponseRequest: Sendable {
    let id: Int
    var purpose: ResponsePurpose
    var options = ResponseOptions()
    /// Whether the caller may interrupt it.
    var isInterruptible = true
    /// Not before this moment.
    var notBefore: CallTime?
    /// How often it was sent.
    var attempts = 0
}

/// The response that the model is generating.
struct ActiveResponse: Sendable {
    let id: String
    let leg: ModelLeg
    /// What asked for it; nil when the server created it by itself.
    var request: ResponseRequest?
    var purpose: ResponsePurpose
    var isMuted = false
    var wasCancelled = false
    /// Its messages.
    var itemIDs: [String] = []
    /// Whether it had words.
    var hasSpoken = false
}

/// Serialises `response.create`: one response at a time, the others wait for its `response.done`.
struct ResponseQueue: Sendable {
    /// A `response.create` that was sent and not answered yet.
    struct Sent: Sendable {
        var request: ResponseRequest
        var leg: ModelLeg
        var at: CallTime
        /// A response of the server came first and says the same: when ours is refused, it is not asked for again.
        var isSuperseded = false
    }

    let limit: Int
    var waiting: [ResponseRequest] = []
    var sent: Sent?
    var active: ActiveResponse?
    /// The server says that it is busy with a response that we do not know: nothing is asked for until then.
    var blockedUntil: CallTime?
    private var nextID = 1

    init(limit: Int) { self.limit = limit }

    /// Whether the model is generating or about to.
    var isBusy: Bool { active != nil || sent != nil }

    /// Whether nothing is being said, asked for or waiting.
    var isIdle: Bool { !isBusy && waiting.isEmpty }

    mutating func makeRequest(
        _ purpose: ResponsePurpose,
        options: ResponseOptions,
        isInterruptible: Bool,
        notBefore: CallTime?
    ) -> ResponseRequest {
        defer { nextID += 1 }
        return ResponseRequest(
            id: nextID,
            purpose: purpose,
            options: options,
            isInterruptible: isInterruptible,
            notBefore: notBefore
        )
    }

    /// Adds a request at the end; whether there was room.
    mutating func append(_ request: ResponseRequest) -> Bool {
        guard waiting.count < limit else { return false }
        waiting.append(request)
        return true
    }

    /// Puts a request back in front, where it was.
    mutating func putBack(_ request: ResponseRequest) { waiting.insert(request, at: 0) }

    /// Takes the first request that may be sent now.
    mutating func takeReady(at now: CallTime, where allowed: (ResponseRequest) -> Bool) -> ResponseRequest? {
        let index = waiting.firstIndex { request in
            (request.notBefore.map { $0 <= now } ?? true) && allowed(request)
        }
        return index.map { waiting.remove(at: $0) }
    }

    func isWaiting(for purpose: ResponsePurpose) -> Bool { waiting.contains { $0.purpose == purpose } }

    mutating func removeWaiting(_ purposes: Set<ResponsePurpose>) {
        guard !waiting.isEmpty else { return }
        waiting.removeAll { purposes.contains($0.purpose) }
    }

    /// When the first request that waits for its time may be sent.
    func nextReady(after now: CallTime) -> CallTime? {
        waiting.compactMap(\.notBefore).filter { $0 > now }.min()
    }
}
