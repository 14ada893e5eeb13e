import ArgumentParser
import CBench
import CallPolicy
import Glibc
import RealtimeProtocol
import Trunk

/// Nanoseconds for one frame in each codec, and for each step over the boundary.
struct Micro: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time the codecs on one frame each, beside memcpy, and the steps between C and Swift."
    )

    func run() async throws {
        if let notice = BenchRelay.debugNotice { print(notice) }
        print(
            "codec".padded(to: 36) + "ns".padded(before: 10) + "GB/s".padded(before: 10)
                + "memcpy, GB/s".padded(before: 14)
        )
        var results = [bench_micro](repeating: bench_micro(), count: Int(BENCH_MICRO_MAX))
        let count = Int(bench_run_micro(&results))
        for result in results[..<count] {
            print(
                String(cString: result.name).padded(to: 36) + result.ns.hundredths.padded(before: 10)
                    + (result.bytes / result.ns).hundredths.padded(before: 10)
                    + (result.bytes / result.memcpy_ns).hundredths.padded(before: 14)
            )
        }
        print("\n" + "step of the boundary or the policy".padded(to: 36) + "ns".padded(before: 10))
        for (name, nanoseconds) in try await Self.steps() {
            print(name.padded(to: 36) + nanoseconds.hundredths.padded(before: 10))
        }
    }

    private static func steps() async throws -> [(String, Double)] {
        var steps: [(String, Double)] = []
        let engine = try CallEngine.start()
        steps.append(("job to the loop and back", await fastest(2_000) { await engine.perform { _ in } }))
        let onLoop = await engine.perform { engine in
            fastestOnLoop(100_000) { _ = engine.nowMicroseconds }
        }
        steps.append(("call from Swift into the core", onLoop))
        steps.append(("message core → Swift → core", try await EchoBench.nanoseconds(on: engine)))
        await engine.stop()
        let event = #"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1,"item_id":"i"}"#
        let bytes = Array(event.utf8)
        steps.append(
            ("parse a Realtime event in Swift", fastestOnLoop(20_000) { _ = try? ServerEvent(parsing: bytes) })
        )
        var machine = CallMachine(configuration: CallConfiguration(), tools: [], seed: 1)
        _ = machine.handle(.carrierStarted(CarrierStart(streamID: "MZ1", callID: "CA1")), at: CallTime(milliseconds: 0))
        let snapshot = PlaybackSnapshot()
        steps.append(
            (
                "one input of the call policy",
                fastestOnLoop(20_000) { _ = machine.handle(.playback(snapshot), at: CallTime(milliseconds: 1)) }
            )
        )
        return steps
    }

    /// The fastest of twenty rounds: noise only ever adds.
    private static func fastest(_ repeats: Int, _ body: () async -> Void) async -> Double {
        var best = Double.infinity
        for _ in 0..<20 {
            let from = bench_now_ns()
            for _ in 0..<repeats { await body() }
            best = min(best, Double(bench_now_ns() - from) / Double(repeats))
        }
        return best
    }
}

/// The same for what does not wait.
private func fastestOnLoop(_ repeats: Int, _ body: () -> Void) -> Double {
    var best = Double.infinity
    for _ in 0..<20 {
        let from = bench_now_ns()
        for _ in 0..<repeats { body() }
        best = min(best, Double(bench_now_ns() - from) / Double(repeats))
    }
    return best
}

/// Two legs of one engine that pass messages to and fro: what a message costs with sockets, frames and both crossings.
private final class EchoBench: LegHandler, LegAcceptor {
    private static let messages = 20_000
    private static let text = String(repeating: "x", count: 100)
    private let continuation: CheckedContinuation<Double, Never>
    private var left = EchoBench.messages
    private var began: Int64 = 0

    private init(_ continuation: CheckedContinuation<Double, Never>) { self.continuation = continuation }

    /// Half the time of a message there and back.
    static func nanoseconds(on engine: CallEngine) async throws -> Double {
        await withCheckedContinuation { continuation in
            Task {
                await engine.perform { engine in
                    let bench = EchoBench(continuation)
                    guard
                        let port = try? engine.listen(
                            ListenAddress(host: "127.0.0.1", port: 0, paths: ["/"]),
                            acceptor: bench
                        ),
                        (try? engine.dial(
                            DialTarget(host: "127.0.0.1", port: port, isSecure: false, target: "/"),
                            handler: bench
                        )) != nil
                    else { return continuation.resume(returning: .nan) }
                }
            }
        }
    }

    func requested(_ leg: LegID, _ request: UpgradeRequest, on engine: isolated CallEngine) {
        try? engine.accept(leg, handler: self)
    }

    func opened(_ leg: LegID, on engine: isolated CallEngine) {
        if began != 0 { return }
        began = bench_now_ns()
        try? engine.send(text: Self.text, to: leg)
    }

    func received(_ message: RawSpan, isText: Bool, from leg: LegID, on engine: isolated CallEngine) {
        left -= 1
        if left > 0 {
            try? engine.send(text: Self.text, to: leg)
        } else if left == 0 {
            continuation.resume(returning: Double(bench_now_ns() - began) / Double(Self.messages))
        }
    }

    func timerFired(_ leg: LegID, on engine: isolated CallEngine) {}

    func closed(_ leg: LegID, _ ending: LegEnding, on engine: isolated CallEngine) {}
}
