import CallPolicy
import RealtimeProtocol

/// What is going to happen in the simulated world.
enum SimulatedEvent {
    case speechBegins
    case speechEnds
    case key(String)
    case hangUp(orderly: Bool)
    case command(CallCommand)
    case fault(SimulatedFault)
    case timer(Int)
    case playback(Int)
    case tool(callID: String, ToolResult)
    case opened(ModelLeg)
    case closed(ModelLeg, LegClose)
    case toMachine(ModelLeg, ServerEvent)
    case audio(ModelLeg, response: String, item: String, milliseconds: Int)
    case audioEnds(item: String)
    case toModel(ModelLeg, ClientEvent)
    case generate(ModelLeg, response: String)
    case respond(ModelLeg)
    case written(ModelLeg, item: String)
}

/// What can go wrong, besides what the caller does.
enum SimulatedFault: Int, CaseIterable {
    case dropModel, expireSession, stallSession, refuseDial, refuseDialForGood, failDial, hangDial, silentSession
    case unconfirmedSession, failResponse, cutResponse, swallowDone, swallowCreate, rejectTruncation, strayError
    case fatalError, repeatEvent, wrongFormat, refuseConfiguration, lateTool
}

/// Events in the order of their time; equal times in the order in which they were planned.
struct SimulatedAgenda {
    private var heap: [(time: Int, order: Int, event: SimulatedEvent)] = []
    private var nextOrder = 0

    mutating func plan(_ event: SimulatedEvent, at time: Int) {
        heap.append((time, nextOrder, event))
        nextOrder += 1
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: Int, event: SimulatedEvent)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                if 2 * parent + 1 < heap.count, precedes(2 * parent + 1, least) { least = 2 * parent + 1 }
                if 2 * parent + 2 < heap.count, precedes(2 * parent + 2, least) { least = 2 * parent + 2 }
                guard least != parent else { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, first.event)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
    }
}

/// Random numbers of a simulated call.
struct SimulatedChance {
    private var source: SplitMix64

    init(seed: UInt64) { source = SplitMix64(seed: seed) }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(source.next() % UInt64(range.count))
    }

    /// True in so many of a hundred cases.
    mutating func percent(_ share: Int) -> Bool { number(1...100) <= share }

    mutating func one<Element>(of elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }

    mutating func seed() -> UInt64 { source.next() }
}
