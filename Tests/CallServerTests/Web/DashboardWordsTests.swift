import CallPolicy
import CallRecords
import TestSupport
import Testing

/// The dashboard has words for what the server writes.
@Suite(.timeLimit(.minutes(1))) struct DashboardWordsTests {
    @Test func everyEndHasWords() async throws {
        let server = try await ServerFixture()
        let page = try await server.ask("GET", "/dashboard/js/words.js")
        #expect(page.status == 200)
        let reasons = page.text.prefix { $0 != "}" }
        for reason in EndReason.allCases.map(\.rawValue) + [StoredCall.interrupted] {
            #expect(reasons.contains("\n  \(reason): '"), "\(reason) has no words")
        }
        await server.stop()
    }
}
