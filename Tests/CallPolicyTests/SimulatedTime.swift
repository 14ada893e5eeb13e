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
    /// A heap of times and orders in one number each; it is compared often, so it does not hold the events themselves.
    private var heap: [Int] = []
    private var events: [SimulatedEvent?] = []

    /// More events than any call has.
    private static let orders = 1 << 24

    mutating func plan(_ event: SimulatedEvent, at time: Int) {
        heap.append(time * Self.orders + events.count)
        events.append(event)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: Int, event: SimulatedEvent)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        guard let event = events[first % Self.orders].take() else { return nil }
        return (first / Self.orders, event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            if left < heap.count, heap[left] < heap[least] { least = left }
            if left + 1 < heap.count, heap[left + 1] < heap[least] { least = left + 1 }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
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
