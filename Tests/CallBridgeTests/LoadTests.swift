import SelfTest
import Testing

/// Many calls at once. `make test` runs this by itself: it loads the machine, and others measure positions in time.
@Suite(.timeLimit(.minutes(5))) struct LoadTests {
    @Test func aHundredCallsLoseRepeatAndReorderNothing() async throws {
        var options = LoadTest.Options()
        options.calls = 100
        options.seconds = 14
        options.silenceMilliseconds = 2_500
        let report = try await LoadTest.run(options)
        for line in report.lines { print(line) }
        #expect(report.failures == [])
        #expect(report.answersInterrupted > 0)
        #expect(report.answersWhole > 0)
    }
}
