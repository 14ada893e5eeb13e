import RealtimeProtocol
import Testing

@testable import CallPolicy

@Suite struct HeardSplitTests {
    @Test(arguments: [
        ("one two three four", 0, 1_000, "", "one two three four"),
        ("one two three four", 1_000, 1_000, "one two three four", ""),
        ("one two three four", 500, 1_000, "one two", "three four"),
        ("one two three four", 100, 1_000, "", "one two three four"),
        ("one two three four", 999, 1_000, "one two three", "four"), ("one two", 5_000, 1_000, "one two", ""),
        ("", 500, 1_000, "", ""), ("one", 500, 0, "", "one"), ("一二三四五六", 500, 1_000, "一二三", "四五六"),
        ("👨‍👩‍👧 👨‍👩‍👧", 900, 1_000, "👨‍👩‍👧", "👨‍👩‍👧"),
    ])
    func wordsHeardInPartCountAsNotHeard(text: String, heard: Int, received: Int, first: String, rest: String) {
        let split = HeardSplit(text, heardMilliseconds: heard, receivedMilliseconds: received)
        #expect(split.heard == first)
        #expect(split.unheard == rest)
    }

    @Test func theRestOfALongerTextFollowsWhatWasHeard() {
        #expect(HeardSplit.rest(of: "one two three", after: "one") == "two three")
        #expect(HeardSplit.rest(of: "one", after: "one two") == "")
        #expect(HeardSplit.rest(of: "one two", after: "") == "one two")
    }

    @Test func textsAreCutAtCharacters() {
        #expect("aµb".cut(toBytes: 2).text == "a")
        #expect("aµb".cut(toBytes: 3).text == "aµ")
        #expect("aµb".cut(toBytes: 4) == ("aµb", false))
        #expect("👨‍👩‍👧".cut(toBytes: 5) == ("", true))
    }
}

@Suite struct HistoryTests {
    @Test func theOldestEntriesGoFirst() {
        var history = History(itemLimit: 3, byteLimit: 10)
        for number in 1...3 { history.append(.system(text: "\(number)")) }
        #expect(history.entries.count == 3)
        history.append(.system(text: "4"))
        #expect(history.entries.map(\.sequence) == [2, 3, 4])
        history.append(.system(text: "123456789"))
        #expect(history.entries.map(\.sequence) == [4, 5])
        history.append(.system(text: "longer than all"))
        #expect(history.entries.isEmpty)
        #expect(history.byteCount == 0)
        #expect(history.droppedCount == 6)
    }

    @Test func wordsComeLater() {
        var history = History(itemLimit: 10, byteLimit: 100)
        history.append(.user(itemID: "u1", text: nil))
        history.append(.agent(itemID: "a1", text: nil))
        #expect(history.awaitsTranscription)
        history.setUser(itemID: "u1", text: "Hello")
        history.setAgent(itemID: "a1", text: "")
        #expect(history.entries.count == 1)
        #expect(history.byteCount == 5)
        #expect(history.endsUnanswered)
    }
}

@Suite struct BackOffTests {
    @Test func pausesDoubleAndAreJittered() {
        var random = SplitMix64(seed: 1)
        var policy = ReconnectPolicy()
        policy.callerWaitMaximumMilliseconds = 100_000
        #expect(policy.delay(attempt: 1, random: &random) == 0)
        for (attempt, full) in [(2, 2_000), (3, 4_000), (6, 32_000), (7, 60_000), (60, 60_000)] {
            for _ in 0..<100 {
                let delay = policy.delay(attempt: attempt, random: &random)
                #expect(delay >= full / 2 && delay <= full)
            }
        }
    }

    /// A model that is back is found within three seconds, however long it was away.
    @Test func noPauseOutlastsACallersPatience() {
        var random = SplitMix64(seed: 1)
        for attempt in 2...60 {
            #expect((1_000...2_500).contains(ReconnectPolicy().delay(attempt: attempt, random: &random)))
        }
    }
}

@Suite struct SchemaTests {
    static let schema: JSONValue = [
        "type": "object",
        "properties": [
            "size": ["type": "string", "enum": ["small", "large"]],
            "count": ["type": "integer", "minimum": 1, "maximum": 9],
            "note": ["type": ["string", "null"], "minLength": 2, "maxLength": 4],
            "tags": ["type": "array", "items": ["type": "string"], "maxItems": 2],
            "place": ["type": "object", "properties": ["x": ["type": "number"]], "required": ["x"]],
        ],
        "required": ["size"], "additionalProperties": false,
    ]

    @Test(
        arguments: [
            (#"{"size":"small"}"#, nil),
            (#"{"size":"small","count":9,"note":null,"tags":["a"],"place":{"x":1.5,"y":0}}"#, nil),
            (#"{}"#, "size is required"), (#"[]"#, "arguments must be object, not array"),
            (#"{"size":"huge"}"#, #"size must be one of "small", "large""#),
            (#"{"size":"small","count":0}"#, "count must be at least 1"),
            (#"{"size":"small","count":10}"#, "count must be at most 9"),
            (#"{"size":"small","count":1.5}"#, "count must be integer, not number"),
            (#"{"size":"small","count":2.0}"#, nil),
            (#"{"size":"small","note":"µ"}"#, "note must have at least 2 characters"),
            (#"{"size":"small","note":"µµµµ"}"#, nil),
            (#"{"size":"small","note":7}"#, "note must be string or null, not integer"),
            (#"{"size":"small","tags":["a","b","c"]}"#, "tags must have at most 2 elements"),
            (#"{"size":"small","tags":["a",1]}"#, "tags[1] must be string, not integer"),
            (#"{"size":"small","place":{}}"#, "place.x is required"),
            (#"{"size":"small","new":1}"#, "new is not a known argument"),
        ] as [(String, String?)]
    )
    func argumentsAreChecked(text: String, problem: String?) throws {
        #expect(SchemaValidation.problem(try JSONValue(parsing: text), schema: Self.schema) == problem)
    }
}

@Suite struct ToolRegistryTests {
    struct Order: Codable, Sendable, Equatable {
        var number: Int
        var express: Bool?
        var lines: [Line]
        var extra: JSONValue?

        struct Line: Codable, Sendable, Equatable {
            var article: String
            var price: Double
        }
    }

    struct Refusal: Error, CustomStringConvertible {
        var description: String { "out of stock" }
    }

    private let context = ToolContext(
        callID: "c1",
        carrier: nil,
        wallClock: WallClock(secondsSince1970: 1_795_179_787, offsetSeconds: 3_600, zoneName: "Europe/Berlin")
    )

    private func run(_ tools: ToolRegistry, _ name: String, _ arguments: JSONValue) async -> ToolResult {
        let invocation = ToolInvocation(callID: "c1", name: name, arguments: arguments, timeoutMilliseconds: 1_000)
        return await tools.run(invocation, context: context)
    }

    @Test func argumentsAndOutputsAreTyped() async throws {
        var tools = ToolRegistry()
        tools.register("order", description: "Orders.", parameters: ["type": "object"]) { (order: Order, _) in order }
        tools.register("text", description: "Tells.", parameters: ["type": "object"]) { (order: Order, context) in
            "\(order.number) \(context.callID)"
        }
        let arguments: JSONValue = [
            "number": 7, "lines": [["article": "tea", "price": 2], ["article": "µ", "price": 0.5]], "extra": ["a": [1]],
        ]
        let output =
            #"{"number":7,"lines":[{"article":"tea","price":2.0},{"article":"µ","price":0.5}],"extra":{"a":[1]}}"#
        #expect(await run(tools, "order", arguments) == .output(output))
        #expect(await run(tools, "text", arguments) == .output("7 c1"))
        #expect(tools.definitions.map(\.name) == ["current_time", "order", "text"])
    }

    @Test func whatIsWrongBecomesAFailure() async {
        var tools = ToolRegistry()
        tools.register("fail", description: "Fails.", parameters: ["type": "object"]) { (_: Order, _) -> String in
            throw Refusal()
        }
        #expect(await run(tools, "fail", ["number": 1, "lines": []]) == .failure("out of stock"))
        guard case .failure(let text) = await run(tools, "fail", ["number": "x", "lines": []]) else {
            Issue.record("no failure")
            return
        }
        #expect(text.contains("number"))
        #expect(await run(tools, "none", [:]) == .failure("no such function"))
    }

    @Test func theTimeIsTold() async {
        let expected = #"{"time":"2026-11-20T14:03:07+01:00","weekday":"Friday","zone":"Europe/Berlin"}"#
        #expect(await run(ToolRegistry(), "current_time", [:]) == .output(expected))
        #expect(WallClock(secondsSince1970: 0).description.contains("1970-01-01T00:00:00+00:00"))
        #expect(WallClock(secondsSince1970: -1).description.contains("1969-12-31T23:59:59"))
        #expect(WallClock(secondsSince1970: 951_782_400).description.contains("2000-02-29T00:00:00"))
    }
}

@Suite struct UsageTests {
    @Test func theLongestModelNameCounts() {
        let prices = PriceTable.published
        #expect(prices.price(of: "gpt-realtime-2.1") == .realtime2)
        #expect(prices.price(of: "gpt-realtime-2.1-mini") == .realtime2Mini)
        #expect(prices.price(of: "gpt-realtime-1.5") == .realtime1)
        #expect(prices.price(of: "something-else") == nil)
    }

    @Test func transcriptionIsPricedByTheMinute() {
        var totals = UsageTotals()
        #expect(totals.add(.duration(seconds: 30), perMinute: 17_000) == 8_500)
        #expect(totals.add(.duration(seconds: 3), perMinute: nil) == 0)
        #expect(totals.add(.tokens(input: 5, inputText: 0, inputAudio: 5, output: 7), perMinute: nil) == 0)
        #expect(totals.costMicrodollars == 8_500)
        #expect(totals.transcriptionMilliseconds == 33_000)
        #expect(totals.transcriptionTokens == 12)
        #expect(totals.unpriced == 2)
    }

    @Test func hugeNumbersDoNotOverflow() {
        var totals = UsageTotals()
        var usage = TokenUsage()
        usage.outputAudio = TokenUsage.countLimit
        for _ in 0..<200 { _ = totals.add(usage, price: .realtime2) }
        #expect(totals.costMicrodollars > 0)
    }
}
