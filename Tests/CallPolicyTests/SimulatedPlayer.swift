import CallPolicy

/// The media core of a simulated call: plays what it accepts in real time and tells what was heard.
struct SimulatedPlayer {
    private(set) var items: [PlaybackItem] = []
    private var lastTime = 0
    private var started: Set<String> = []
    private var hadAudio = false
    /// Items whose late audio is dropped.
    private var dropped: Set<String> = []
    /// Responses whose late audio is dropped.
    private(set) var muted: Set<String> = []

    var queued: Int { items.reduce(0) { $0 + $1.receivedMilliseconds - $1.heardMilliseconds } }

    var snapshot: PlaybackSnapshot { PlaybackSnapshot(items: items, queuedMilliseconds: queued) }

    /// When the next thing is heard to its end.
    var nextChange: Int? {
        guard let first = items.first, queued > 0 || first.isHeard else { return nil }
        return lastTime + max(0, first.receivedMilliseconds - first.heardMilliseconds)
    }

    /// Plays until this time and returns what is to be told.
    mutating func advance(to now: Int) -> [CallInput] {
        var inputs: [CallInput] = []
        var budget = now - lastTime
        lastTime = now
        while let item = items.first {
            let step = min(budget, item.receivedMilliseconds - item.heardMilliseconds)
            if step > 0 {
                items[0].heardMilliseconds += step
                items[0].sentMilliseconds = min(item.receivedMilliseconds, items[0].heardMilliseconds + 200)
                budget -= step
            }
            if item.receivedMilliseconds > 0, started.insert(item.itemID).inserted {
                inputs.append(.playbackStarted(itemID: item.itemID))
            }
            guard items[0].isHeard else { break }
            items.removeFirst()
            if item.receivedMilliseconds > 0 { inputs.append(.playbackItemFinished(itemID: item.itemID)) }
        }
        if hadAudio, queued == 0 {
            hadAudio = false
            inputs.append(.playbackDrained)
        }
        return inputs
    }

    mutating func receive(_ milliseconds: Int, item: String, response: String, leg: ModelLeg) {
        guard !dropped.contains(item), !muted.contains(response), milliseconds > 0 else { return }
        hadAudio = true
        if let index = items.firstIndex(where: { $0.itemID == item }) {
            items[index].receivedMilliseconds += milliseconds
        } else {
            items.append(
                PlaybackItem(
                    itemID: item,
                    modelLeg: leg,
                    receivedMilliseconds: milliseconds,
                    sentMilliseconds: 0,
                    heardMilliseconds: 0,
                    isComplete: false
                )
            )
        }
    }

    mutating func complete(_ item: String) {
        guard let index = items.firstIndex(where: { $0.itemID == item }) else { return }
        items[index].isComplete = true
    }

    /// A leg is gone: no more audio comes for its items.
    mutating func complete(legs: (ModelLeg) -> Bool) {
        for index in items.indices where legs(items[index].modelLeg) { items[index].isComplete = true }
    }

    mutating func clear(activeResponse: String?) {
        for item in items { dropped.insert(item.itemID) }
        items = []
        hadAudio = false
        if let activeResponse { muted.insert(activeResponse) }
    }

    mutating func mute(_ response: String) { muted.insert(response) }
}
