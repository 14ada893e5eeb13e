import Foundation
import Testing
import Trunk

/// Collects what handlers hear, for a test to wait on.
final class Log: Sendable {
    private let watched = Watched<[String]>([])

    var lines: [String] { watched.value }

    func add(_ line: String) { watched.update { $0.append(line) } }

    /// Returns once a line that contains `needle` has been added. Each line is looked at once: a flood has many.
    func wait(for needle: String) async {
        await watched.wait {
            $0.contains { $0.contains(needle) }
        } orThen: {
            $0.last?.contains(needle) == true
        }
    }

    /// Returns once the condition holds for all lines.
    func wait(until condition: @escaping @Sendable ([String]) -> Bool) async { await watched.wait(until: condition) }
}

/// Accepts everything and hands each leg to what `makeHandler` makes.
final class AcceptAll: LegAcceptor {
    let makeHandler: () -> any LegHandler

    init(_ makeHandler: @escaping () -> any LegHandler) { self.makeHandler = makeHandler }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        try? engine.accept(leg, handler: makeHandler())
    }
}

/// Writes what it hears to a log; answers texts by a rule.
final class Recorder: LegHandler {
    let name: String
    let log: Log
    var answer: (String, LegID, isolated CallEngine) -> Void = { _, _, _ in }
    var whenOpened: (LegID, isolated CallEngine) -> Void = { _, _ in }
    var whenClosed: (LegEnding) -> Void = { _ in }

    init(_ name: String, _ log: Log) {
        self.name = name
        self.log = log
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        log.add("\(name) opened")
        whenOpened(leg, engine)
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        let text = message.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        log.add("\(name) \(isText ? "text" : "binary") \(text.prefix(40))")
        answer(text, leg, engine)
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) { log.add("\(name) timer") }

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {
        log.add("\(name) closed \(ending.code) \(ending.cause) \(ending.reason)")
        whenClosed(ending)
    }
}
