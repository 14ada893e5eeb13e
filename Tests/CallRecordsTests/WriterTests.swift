import CallBridge
import Foundation
import GRDB
import RealtimeProtocol
import TestSupport
import Testing
import Trunk

@testable import CallPolicy
@testable import CallRecords

/// From a call's events to its rows.
@Suite(.timeLimit(.minutes(5))) struct WriterTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func storesEverythingOfACall() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        var used = TokenUsage()
        (used.inputText, used.cachedText, used.outputText) = (100, 40, 20)
        (used.inputAudio, used.cachedAudio, used.outputAudio) = (300, 100, 50)
        var summary = CallSummary()
        summary.callerTurns = 1
        summary.agentTurns = 1
        summary.counters.interruptions = 1
        _ = summary.usage.add(used, price: .realtime2)
        let cost = summary.usage.costMicrodollars
        let lost = LegClose(code: 1006, reason: "gone", cause: .transportLost)
        let interruption = Interruption(
            cause: .speech,
            itemID: "a1",
            heardMilliseconds: 900,
            droppedMilliseconds: 400,
            responseID: "r1",
            talkOverMilliseconds: 180
        )
        writer.note(script.started)
        writer.note(CallLabels(model: "gpt-realtime-2.1", voice: "marin", rule: "german"), of: "CA1")
        writer.note([
            script.event(.callerSpeechStarted(itemID: "u1"), at: 1_000),
            script.event(.callerSpeechStopped(itemID: "u1"), at: 2_000),
            script.event(.callerTurnCommitted(itemID: "u1"), at: 2_030),
            script.record(.playback(.arrived(itemID: "a1")), at: 2_400),
            script.record(.playback(.started(itemID: "a1")), at: 2_420),
            script.event(.turnLatency(TurnLatency(createdMilliseconds: 150, firstAudioMilliseconds: 420)), at: 2_420),
            script.event(.callerTranscript(itemID: "u1", text: "What is\0 the weather?"), at: 2_600),
            script.event(.toolStarted(callID: "t1", name: "weather", arguments: #"{"city":"Bonn"}"#), at: 2_700),
            script.event(
                .toolFinished(callID: "t1", name: "weather", .succeeded, output: "rain", milliseconds: 80),
                at: 2_780
            ),
            script.event(.agentHeard(itemID: "a1", agoMilliseconds: 60), at: 2_600),
            script.event(.interruptionSuppressed, at: 3_000), script.event(.talkedOver(milliseconds: 250), at: 3_250),
            script.event(.interrupted(interruption), at: 3_300),
            script.event(
                .agentTranscript(
                    AgentTranscript(
                        itemID: "a1",
                        heard: "It rains",
                        unheard: "in Bonn",
                        heardMilliseconds: 900,
                        wasInterrupted: true
                    )
                ),
                at: 3_300
            ), script.event(.usage(responseID: "r1", used, costMicrodollars: cost), at: 3_400),
            script.event(.modelLost(ModelLeg(1), lost, lost: true), at: 4_000),
            script.event(.reconnected(ModelLeg(2), outageMilliseconds: 350, restoredItems: 2), at: 4_350),
            script.event(.warning(.modelStalled, detail: "nothing came"), at: 5_000),
            script.event(.keys("12#"), at: 6_000),
        ])
        writer.note(OperatorAction(callSID: "CA1", who: "ann", what: "say", said: "One moment"))
        writer.note([
            script.event(.ending(.callerHungUp, .caller, detail: "the carrier stopped the stream"), at: 59_999),
            script.event(.summary(summary), at: 60_000), script.ended(),
        ])
        writer.note(RecordingNote(callSID: "CA1", file: "CA1.wav", bytes: 960_058, milliseconds: 60_000))
        #expect(writer.flush())
        #expect(writer.stats.dropped == 0 && writer.stats.orphans == 0 && writer.stats.isHealthy)

        let detail = try #require(try store.call(sid: "CA1"))
        let fields = detail.call.fields
        let texts = [
            "stream_sid": "MZCA1", "direction": "inbound", "caller": script.from, "called": script.to,
            "end_reason": "caller_hung_up", "end_initiator": "caller", "end_detail": "the carrier stopped the stream",
            "model": "gpt-realtime-2.1", "voice": "marin", "rule": "german", "recording_file": "CA1.wav",
        ]
        for (name, text) in texts { #expect(fields[name]?.stringValue == text, "\(name)") }
        let numbers: [String: Int64] = [
            "duration_ms": 60_000, "caller_turns": 1, "agent_turns": 1, "responses": 1, "text_input": 60,
            "text_cached": 40, "text_output": 20, "audio_input": 200, "audio_cached": 100, "audio_output": 50,
            "cost_microdollars": cost, "latency_p50_ms": 420, "latency_max_ms": 420, "recording_bytes": 960_058,
            "recording_ms": 60_000,
        ]
        for (name, number) in numbers { #expect(fields[name]?.integerValue == number, "\(name)") }
        #expect(fields["parameters"]?["plan"]?.stringValue == "gold")
        #expect(fields["counters"]?["interruptions"]?.integerValue == 1)
        #expect(fields["counters"]?["audio"]?["frames_in"]?.integerValue == 0)
        #expect(abs(detail.call.startedAt - UnixTime.milliseconds) < 30_000)

        #expect(detail.turns.compactMap { $0["who"]?.stringValue } == ["caller", "agent", "keys", "operator"])
        #expect(
            detail.turns.compactMap { $0["text"]?.stringValue }
                == ["What is the weather?", "It rains in Bonn", "12#", "One moment"]
        )
        let answer = detail.turns[1]
        let start = detail.call.startedAt
        let waterfall = [
            "speech_ended_at", "committed_at", "response_created_at", "first_delta_at", "first_sent_at",
            "first_heard_at",
        ]
        #expect(
            waterfall.compactMap { answer[$0]?.integerValue.map { $0 - start } }
                == [2_000, 2_030, 2_150, 2_400, 2_420, 2_540]
        )
        #expect(detail.turns[0]["committed_at"]?.integerValue.map { $0 - start } == 2_030)
        #expect(detail.bargeIns.compactMap { $0["talk_over_ms"]?.integerValue } == [250, 180])
        #expect(answer["heard"]?.stringValue == "It rains" && answer["interrupted"]?.boolValue == true)
        #expect(detail.toolRuns.first?["outcome"]?.stringValue == "succeeded")
        #expect(detail.toolRuns.first?["duration_ms"]?.integerValue == 80)
        #expect(detail.bargeIns.last?["dropped_ms"]?.integerValue == 400)
        #expect(detail.reconnects.first?["outage_ms"]?.integerValue == 350)
        #expect(detail.warnings.first?["kind"]?.stringValue == "model_stalled")
        #expect(detail.usage.first?["audio_cached"]?.integerValue == 100)
        #expect(detail.actions.first?["who"]?.stringValue == "ann")
    }

    @Test func writesInBatchesAndCountsAll() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        for index in 0..<500 { writer.note(CallScript("CA\(index)").short) }
        #expect(writer.close(milliseconds: 30_000))
        #expect(writer.stats.written == 2_000)
        #expect(try store.count("calls") == 500)
        #expect(try store.count("turns") == 1_000)
        // Closed: nothing more is taken, and that is counted.
        writer.note(CallScript("late").started)
        #expect(writer.stats.dropped == 1)
    }

    @Test func passesOverWhatHasNoCallAndWhatIsNotStored() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        writer.note(CallScript("unknown").said("hello"))
        writer.note(CallScript("").said("hello"))
        writer.note(CallScript("CA1").event(.agentMuted(true)))
        #expect(writer.flush())
        #expect(writer.stats.orphans == 1 && writer.stats.written == 1)
        #expect(try store.count("calls") == 0)
    }

    @Test func oneEntryThatCannotBeStoredTakesNoOtherAlong() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        try store.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER poison BEFORE INSERT ON warnings WHEN new.detail = 'poison'
                    BEGIN SELECT raise(ABORT, 'no'); END
                    """
            )
        }
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        writer.note([
            script.started, script.event(.warning(.limit, detail: "one")),
            script.event(.warning(.limit, detail: "poison")), script.event(.warning(.limit, detail: "two")),
            script.ended(),
        ])
        #expect(writer.flush())
        #expect(writer.stats.dropped == 1 && writer.stats.written == 4)
        let detail = try #require(try store.call(sid: "CA1"))
        #expect(detail.warnings.compactMap { $0["detail"]?.stringValue } == ["one", "two"])
        #expect(detail.call.endReason == "caller_hung_up")
    }

    @Test func aStreamThatIsOpenedAgainIsAnotherEntry() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        writer.note(CallScript("CA1").short + CallScript("CA1").short)
        #expect(writer.flush())
        #expect(try store.count("calls") == 2)
        #expect(try store.call(sid: "CA1")?.turns.count == 2)
    }

    /// A call of endless keys fills its places, and the rest is counted.
    @Test func turnsBeyondTheLastPlaceAreCounted() throws {
        var limits = StoreLimits()
        limits.turns = 10
        let store = try CallStore.open(path: folder.file("calls.db"), limits: limits)
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        writer.note(script.started)
        for number in 0..<25 { writer.note(script.event(.keys("1"), at: number)) }
        #expect(writer.flush())
        #expect(try store.count("turns") == 10 && writer.stats.turnsDropped == 15)
    }

    /// How a call will be led comes before its start, and is no record: labels tell it.
    @Test func plansAreNoRecords() throws {
        let store = try CallStore.open(path: folder.file("calls.db"))
        let writer = RecordWriter(store)
        let script = CallScript("CA1")
        let model = try ModelEndpoint(url: "ws://127.0.0.1/", model: "m", key: "")
        writer.note(script.record(.planned(CallPlan(call: CallConfiguration(), model: model, tools: ToolRegistry()))))
        #expect(writer.stats.queued == 0)
        #expect(writer.flush() && writer.stats.written == 0 && writer.stats.orphans == 0)
    }
}
