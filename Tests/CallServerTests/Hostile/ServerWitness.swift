import Simulators
import TestSupport
import Testing

/// A call beside hostile requests that must not notice them: every frame of both ways is told by its number.
struct ServerWitness {
    private static let number = 9
    private let server: ServerFixture
    private let outcome: PhoneSimulator.Outcome

    init(_ server: ServerFixture) async throws {
        self.server = server
        let steps: [PhoneScript.Step] = [
            .speakPattern(milliseconds: 500), .waitForSilence(milliseconds: 500, atMost: 20_000), .hangUp(.stop),
        ]
        outcome = try await server.call(Self.number, steps)
    }

    func isUnharmed() async {
        await outcome.ended()
        let report = outcome.report
        #expect(!report.checks.isEmpty && report.checks.values.allSatisfy { $0.isPerfect })
        #expect(server.modelLog.checks[UInt16(Self.number)]?.isPerfect == true)
    }
}

extension ServerFixture {
    /// The values of metrics by their whole names, labels included.
    func metrics() async throws -> [String: Double] {
        var values: [String: Double] = [:]
        for line in try await ask("GET", "/metrics").text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            values[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return values
    }
}
