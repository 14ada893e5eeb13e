import RealtimeProtocol
import Testing

@testable import CallPolicy

/// The WebSocket protocol of devices and of our own page.
@Suite struct DeviceDialectTests {
    /// A dialect and what it did, with messages given as texts.
    private struct Device {
        var dialect: DeviceDialect

        init(version: Int? = nil, clientID: String = "", parameters: [String: String] = [:]) {
            dialect = DeviceDialect(
                .init(deviceID: "aa:bb", clientID: clientID, version: version, parameters: parameters),
                session: "DV1"
            )
        }

        mutating func say(_ text: String) -> [DialectAction] {
            Array(text.utf8).withUnsafeBytes { dialect.received($0) }
        }

        /// The answer to a request of ours.
        mutating func answers(_ id: Int, _ result: String) -> [DialectAction] {
            say(#"{"type":"mcp","payload":{"jsonrpc":"2.0","id":\#(id),"result":\#(result)}}"#)
        }
    }

    private static let hello = #"{"type":"hello","version":1,"transport":"websocket","audio_params":{"format":"opus"}}"#
    private static let mcpHello = #"{"type":"hello","features":{"mcp":true}}"#
    private static let pageHello =
        #"{"type":"hello","features":{"marks":true},"audio_params":{"frame_duration":20}}"#

    private static func closed(_ reason: String) -> [DialectAction] { [.close(1_008, reason)] }

    private static func text(_ action: DialectAction?) -> JSONValue {
        guard case .say(let text)? = action else { return .null }
        return (try? JSONValue(parsing: Array(text.utf8))) ?? .null
    }

    private static func line(_ actions: [DialectAction]) throws -> AudioLine {
        try #require(
            actions.compactMap { action -> AudioLine? in
                guard case .line(let line) = action else { return nil }
                return line
            }.first
        )
    }

    private static func begun(_ actions: [DialectAction]) -> (start: CarrierStart, tools: [ToolDefinition])? {
        for case .begin(let start, let tools) in actions { return (start, tools) }
        return nil
    }

    // MARK: - Hello

    @Test func aHelloSetsUpTheLineAndBeginsTheCall() throws {
        var device = Device(clientID: "one", parameters: ["user": "ann"])
        let actions = device.say(Self.hello)
        #expect(actions.count == 3)
        let line = try Self.line(actions)
        #expect(line.coding == .opus && line.framing == .none && line.mayRest && !line.hasMarks)
        // What stock firmware sends and plays; its queue gets five packets ahead.
        #expect(line.frameMilliseconds == 60 && line.leadMilliseconds == 300)
        #expect(line.begin == #"{"session_id":"DV1","type":"tts","state":"start"}"#)
        #expect(line.end == #"{"session_id":"DV1","type":"tts","state":"stop"}"#)
        #expect(line.clear.isEmpty && line.markHead.isEmpty && line.markTail.isEmpty)
        let greeting = Self.text(actions[1])
        #expect(greeting["type"] == "hello" && greeting["transport"] == "websocket" && greeting["session_id"] == "DV1")
        #expect(
            greeting["audio_params"]
                == ["format": "opus", "sample_rate": 24_000, "channels": 1, "frame_duration": 60]
        )
        let (start, tools) = try #require(Self.begun(actions))
        #expect(start.callID == "DV1" && start.streamID == "DV1" && start.sampleRate == 24_000)
        #expect(start.parameters == ["from": "aa:bb", "client": "one", "user": "ann"])
        #expect(tools.isEmpty)
    }

    @Test(arguments: [(1, AudioLine.Framing.none), (2, .stamp), (3, .size)])
    func theVersionSaysHowPacketsAreFramed(version: Int, framing: AudioLine.Framing) throws {
        var said = Device()
        #expect(try Self.line(said.say(#"{"type":"hello","version":\#(version)}"#)).framing == framing)
        // The request's header counts more than what the hello says.
        var named = Device(version: version)
        #expect(try Self.line(named.say(#"{"type":"hello","version":1}"#)).framing == framing)
    }

    @Test(arguments: [(20, 20), (40, 40), (60, 60), (10, 60), (120, 60), (-1, 60)])
    func packetsAreAsLongAsAskedFor(asked: Int, given: Int) throws {
        var device = Device()
        let actions = device.say(#"{"type":"hello","audio_params":{"frame_duration":\#(asked)}}"#)
        let line = try Self.line(actions)
        #expect(line.frameMilliseconds == given && line.leadMilliseconds == 5 * given)
        #expect(Self.text(actions[1])["audio_params"]?["frame_duration"]?.integerValue == Int64(given))
    }

    @Test func aDeviceAtEightKilohertzGetsNarrowBand() throws {
        var device = Device()
        let actions = device.say(#"{"type":"hello","audio_params":{"sample_rate":8000}}"#)
        #expect(try Self.line(actions).coding == .narrowOpus)
        #expect(try Self.line(actions).modelFormat == .pcmu)
        #expect(Self.text(actions[1])["audio_params"]?["sample_rate"] == 8_000)
        #expect(Self.begun(actions)?.start.sampleRate == 8_000)
        var wide = Device()
        #expect(try Self.line(wide.say(Self.hello)).modelFormat == .pcm24000)
    }

    @Test func aDeviceMayTuneItsEncoder() throws {
        var device = Device()
        let line = try Self.line(
            device.say(
                #"{"type":"hello","audio_params":{"bitrate":16000,"complexity":3,"fec":false,"dtx":true}}"#
            )
        )
        #expect(
            line.encoder.bitrate == 16_000 && line.encoder.complexity == 3 && line.encoder.fec == false
                && line.encoder.dtx == true
        )
    }

    @Test(arguments: [
        (#"{"type":"hello","version":0}"#, "version must be 1, 2 or 3"),
        (#"{"type":"hello","version":4}"#, "version must be 1, 2 or 3"),
        (#"{"type":"hello","version":9223372036854775807}"#, "version must be 1, 2 or 3"),
        (#"{"type":"hello","transport":"udp"}"#, "transport must be websocket"),
        (#"{"type":"hello","audio_params":{"format":"pcm"}}"#, "audio_params.format must be opus"),
        (#"{"type":"listen","state":"start"}"#, "the first message must be a hello"),
        (#"{"type":"abort"}"#, "the first message must be a hello"),
        ("{}", "the first message must be a hello"), ("hello", "the first message must be a hello"),
        ("", "the first message must be a hello"), (#"{"type":7}"#, "the first message must be a hello"),
    ])
    func whatIsNoHelloIsTurnedAway(message: String, reason: String) {
        var device = Device()
        #expect(device.say(message) == Self.closed(reason))
    }

    @Test func aSecondHelloEndsTheCall() {
        var device = Device()
        _ = device.say(Self.hello)
        #expect(device.say(Self.hello) == Self.closed("a second hello"))
    }

    @Test func aHelloIsDue() {
        var device = Device()
        #expect(device.dialect.timeUp() == Self.closed("no hello in time"))
        _ = device.say(Self.hello)
        #expect(device.dialect.timeUp() == [])
    }

    @Test func thePageHasMarksAndAClear() throws {
        var page = Device()
        let line = try Self.line(page.say(Self.pageHello))
        #expect(line.hasMarks && line.frameMilliseconds == 20 && line.leadMilliseconds == 200)
        #expect(line.clear == #"{"session_id":"DV1","type":"clear"}"#)
        #expect(
            line.markHead + "g1.2" + line.markTail == #"{"session_id":"DV1","type":"mark","name":"g1.2"}"#
        )
        #expect(page.say(#"{"type":"mark","name":"g1.2"}"#) == [.echo("g1.2")])
        #expect(page.say(#"{"type":"mark"}"#) == [.malformed])
    }

    // MARK: - In a call

    @Test func whatADeviceSaysInACall() {
        var device = Device()
        _ = device.say(Self.hello)
        #expect(device.say(#"{"type":"listen","state":"start","mode":"auto"}"#) == [])
        #expect(device.say(#"{"type":"listen","state":"stop"}"#) == [])
        let pressed = #"{"type":"listen","state":"start","mode":"manual"}"#
        #expect(device.say(pressed) == [.command(.listen(.held))])
        #expect(device.say(#"{"type":"listen","state":"stop"}"#) == [.command(.listen(.released))])
        #expect(device.say(#"{"type":"listen","state":"start","mode":"auto"}"#) == [.command(.listen(.open))])
        #expect(device.say(#"{"type":"listen","state":"start","mode":"realtime"}"#) == [])
        #expect(device.say(#"{"type":"listen","state":"detect"}"#) == [])
        #expect(device.say(#"{"type":"listen","state":"detect","text":""}"#) == [])
        #expect(
            device.say(#"{"type":"listen","state":"detect","text":"hey you"}"#)
                == [.command(.instruct("The caller woke you by saying: hey you", respond: true))]
        )
        #expect(device.say(#"{"type":"listen","state":"dance"}"#) == [.malformed])
        #expect(device.say(#"{"type":"abort","reason":"wake_word_detected"}"#) == [.command(.interrupt)])
        #expect(device.say(#"{"type":"ping"}"#) == [.say(#"{"session_id":"DV1","type":"pong"}"#)])
        #expect(device.say(#"{"type":"goodbye"}"#) == [.stopped])
        for message in ["", "[]", "{}", #"{"type":"mcp"}"#, "\u{0}"] {
            #expect(device.say(message) == [.malformed], "\(message)")
        }
        // States of lamps, and what other devices say: no fault.
        for message in [#"{"type":"iot","update":true,"states":[]}"#, #"{"type":"dance"}"#] {
            #expect(device.say(message) == [], "\(message)")
        }
    }

    @Test func wordsThatWokeItAreCut() {
        var device = Device()
        _ = device.say(Self.hello)
        let words = String(repeating: "w", count: 300)
        #expect(
            device.say(#"{"type":"listen","state":"detect","text":"\#(words)"}"#)
                == [.command(.instruct("The caller woke you by saying: \(words.prefix(200))", respond: true))]
        )
    }

    // MARK: - Its tools

    private static let lamp =
        #"{"name":"self.lamp.set","description":"Lamp","inputSchema":{"type":"object","properties":{}}}"#

    private static func invocation(_ name: String, _ callID: String = "c1") -> ToolInvocation {
        ToolInvocation(callID: callID, name: name, arguments: ["on": true], timeoutMilliseconds: 1_000)
    }

    @Test func toolsAreAskedForBeforeTheCallBegins() throws {
        var device = Device()
        let actions = device.say(Self.mcpHello)
        #expect(Self.begun(actions) == nil)
        #expect(Self.text(actions[2])["payload"]?["method"] == "initialize")
        #expect(Self.text(actions[2])["payload"]?["params"]?["protocolVersion"] == "2024-11-05")
        #expect(Self.text(actions[3])["payload"]?["method"] == "tools/list")
        #expect(actions.last == .wait(milliseconds: 2_000))
        #expect(device.answers(1, #"{"protocolVersion":"2024-11-05"}"#) == [])
        // A second page is asked for by its cursor.
        let more = device.answers(2, #"{"tools":[\#(Self.lamp)],"nextCursor":"two"}"#)
        #expect(more.count == 1)
        #expect(Self.text(more[0])["payload"]?["params"]?["cursor"] == "two")
        let last = device.answers(3, #"{"tools":[{"name":"self.volume"}],"nextCursor":""}"#)
        let (_, tools) = try #require(Self.begun(last))
        #expect(tools.map(\.name) == ["self_lamp_set", "self_volume"])
        #expect(tools[0].description == "Lamp")
        #expect(tools[1].parameters == ["type": "object", "properties": [:]])
        // The list is over; what comes late begins no second call.
        #expect(device.answers(3, #"{"tools":[]}"#) == [] && device.answers(2, "{}") == [])
        #expect(device.dialect.timeUp() == [])
    }

    @Test func aDeviceThatDoesNotNameItsToolsCallsWithoutThem() throws {
        var device = Device()
        _ = device.say(Self.mcpHello)
        #expect(try #require(Self.begun(device.dialect.timeUp())).tools.isEmpty)
        // An answer that comes now changes nothing: the call has its tools.
        #expect(device.answers(2, #"{"tools":[\#(Self.lamp)]}"#) == [])
        var half = Device()
        _ = half.say(Self.mcpHello)
        _ = half.answers(2, #"{"tools":[\#(Self.lamp)],"nextCursor":"two"}"#)
        #expect(try #require(Self.begun(half.dialect.timeUp())).tools.map(\.name) == ["self_lamp_set"])
        var wrong = Device()
        _ = wrong.say(Self.mcpHello)
        let refused = wrong.say(#"{"type":"mcp","payload":{"id":2,"error":{"code":-32601,"message":"no"}}}"#)
        #expect(try #require(Self.begun(refused)).tools.isEmpty)
    }

    /// A device says what woke it right after the hello, before it has named its tools.
    @Test func wordsThatWokeItWaitForTheCall() throws {
        for timesOut in [false, true] {
            var device = Device()
            _ = device.say(Self.mcpHello)
            #expect(device.say(#"{"type":"listen","state":"detect","text":"hey you"}"#) == [])
            let actions = timesOut ? device.dialect.timeUp() : device.answers(2, #"{"tools":[\#(Self.lamp)]}"#)
            #expect(Self.begun(actions) != nil)
            let woken = DialectAction.command(.instruct("The caller woke you by saying: hey you", respond: true))
            #expect(actions.count == 2 && actions.last == woken)
        }
    }

    /// A tool that never answers holds no place.
    @Test func aToolThatIsGivenUpMakesRoom() {
        var device = Self.lit()
        for round in 0..<20 {
            let callID = "c\(round)"
            let actions = device.dialect.run(Self.invocation("self_lamp_set", callID))
            #expect(Self.text(actions.first)["type"] == "mcp", "\(callID)")
            device.dialect.cancel(callID)
        }
        #expect(device.answers(3, "{}") == [], "nobody waits for it")
    }

    @Test func aListIsBounded() throws {
        var device = Device()
        _ = device.say(Self.mcpHello)
        let many = (0..<100).map { #"{"name":"t\#($0)"}"# }.joined(separator: ",")
        let tools = try #require(Self.begun(device.answers(2, #"{"tools":[\#(many)]}"#))).tools
        #expect(tools.count == 64 && tools.last?.name == "t63")
        // Pages without end: after eight the call begins.
        var endless = Device()
        _ = endless.say(Self.mcpHello)
        var pages = 1
        var actions = endless.answers(2, #"{"tools":[],"nextCursor":"more"}"#)
        while Self.begun(actions) == nil, pages < 100 {
            pages += 1
            actions = endless.answers(1 + pages, #"{"tools":[],"nextCursor":"more"}"#)
        }
        #expect(pages == 8)
    }

    @Test func namesAreMadeFitForTheModel() throws {
        var device = Device()
        _ = device.say(Self.mcpHello)
        let long = String(repeating: "n", count: 80)
        let names = #"{"name":"a.b c"},{"name":"a_b_c"},{"name":""},{"name":7},{"name":"\#(long)"}"#
        let tools = try #require(Self.begun(device.answers(2, #"{"tools":[\#(names)]}"#))).tools
        // The second would have the same name as the first: it is left out.
        #expect(tools.map(\.name) == ["a_b_c", String(long.prefix(64))])
        let call = try #require(device.dialect.run(Self.invocation("a_b_c")).first)
        #expect(Self.text(call)["payload"]?["params"]?["name"] == "a.b c")
    }

    /// A device whose lamp can be set; its next request has the id 3.
    private static func lit() -> Device {
        var device = Device()
        _ = device.say(mcpHello)
        _ = device.answers(2, #"{"tools":[\#(lamp)]}"#)
        return device
    }

    @Test func toolsAreRunByTheDevice() throws {
        var device = Self.lit()
        let request = Self.text(device.dialect.run(Self.invocation("self_lamp_set")).first)
        #expect(request["type"] == "mcp" && request["payload"]?["method"] == "tools/call")
        #expect(request["payload"]?["params"] == ["name": "self.lamp.set", "arguments": ["on": true]])
        #expect(
            device.answers(3, #"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"isError":false}"#)
                == [.toolFinished(callID: "c1", .output("a\nb"))]
        )
        #expect(device.answers(3, "{}") == [], "an answer counts once")
        _ = device.dialect.run(Self.invocation("self_lamp_set", "c2"))
        #expect(device.answers(4, "{}") == [.toolFinished(callID: "c2", .output("done"))])
        _ = device.dialect.run(Self.invocation("self_lamp_set", "c3"))
        #expect(
            device.answers(5, #"{"content":[{"text":"stuck"}],"isError":true}"#)
                == [.toolFinished(callID: "c3", .failure("stuck"))]
        )
        _ = device.dialect.run(Self.invocation("self_lamp_set", "c4"))
        #expect(
            device.say(#"{"type":"mcp","payload":{"id":6,"error":{"message":"no lamp"}}}"#)
                == [.toolFinished(callID: "c4", .failure("no lamp"))]
        )
        #expect(
            device.dialect.run(Self.invocation("self_fan"))
                == [.toolFinished(callID: "c1", .failure("the device has no such tool, or is busy"))]
        )
    }

    @Test func tooManyToolsAtOnceAreRefused() {
        var device = Self.lit()
        for index in 0..<8 {
            #expect(Self.text(device.dialect.run(Self.invocation("self_lamp_set", "c\(index)")).first) != .null)
        }
        let refused: [DialectAction] = [
            .toolFinished(callID: "c8", .failure("the device has no such tool, or is busy"))
        ]
        #expect(device.dialect.run(Self.invocation("self_lamp_set", "c8")) == refused)
        _ = device.answers(3, "{}")
        #expect(Self.text(device.dialect.run(Self.invocation("self_lamp_set", "c9")).first) != .null)
    }

    @Test func outputIsCut() throws {
        var device = Self.lit()
        _ = device.dialect.run(Self.invocation("self_lamp_set"))
        let long = String(repeating: "o", count: 20_000)
        let finished = device.answers(3, #"{"content":[{"text":"\#(long)"}]}"#)
        #expect(finished == [.toolFinished(callID: "c1", .output(String(long.prefix(16_384))))])
    }

    // MARK: - To the device

    private static let position = PartPosition(responseID: "r", itemID: "i")

    private static func delta(_ text: String) -> ServerEvent { .audioTranscriptDelta(position, delta: text) }

    private static func sentences(_ actions: [DialectAction]) -> [String] {
        actions.map { text($0)["text"]?.stringValue ?? "?" }
    }

    @Test func sentencesAreToldAsTheyEnd() {
        var device = Device()
        _ = device.say(Self.hello)
        #expect(device.dialect.modelSaid(Self.delta("Good")) == [])
        #expect(device.dialect.modelSaid(Self.delta(" day.")) == [], "3.5 is no end of a sentence")
        let first = device.dialect.modelSaid(Self.delta(" It is 3.5 degrees! Is"))
        #expect(Self.sentences(first) == ["Good day.", "It is 3.5 degrees!"])
        #expect(
            Self.text(first[0]) == ["session_id": "DV1", "type": "tts", "state": "sentence_start", "text": "Good day."]
        )
        #expect(Self.sentences(device.dialect.modelSaid(Self.delta(" it cold?\nYes"))) == ["Is it cold?"])
        #expect(
            Self.sentences(device.dialect.modelSaid(.audioTranscriptDone(Self.position, transcript: ""))) == ["Yes"]
        )
        #expect(device.dialect.modelSaid(.responseDone(Response(id: "r", status: .completed))) == [])
        // Signs of other scripts need no space behind them.
        #expect(Self.sentences(device.dialect.modelSaid(Self.delta("你好。再见！"))) == ["你好。", "再见！"])
        #expect(device.dialect.modelSaid(Self.delta("   ")) == [])
        #expect(device.dialect.modelSaid(.responseDone(Response(id: "r", status: .completed))) == [])
        // One without an end is told in pieces.
        let endless = String(repeating: "a", count: 450)
        #expect(Self.sentences(device.dialect.modelSaid(Self.delta(endless))).map(\.count) == [200, 200])
        #expect(
            Self.sentences(device.dialect.modelSaid(.responseDone(Response(id: "r", status: .completed))))
                .map(\.count) == [50]
        )
    }

    @Test func whatWasInterruptedIsNotTold() {
        var device = Device()
        _ = device.say(Self.hello)
        _ = device.dialect.modelSaid(Self.delta("I was about to"))
        let interruption = Interruption(
            cause: .speech,
            itemID: "i",
            heardMilliseconds: 0,
            droppedMilliseconds: 0,
            responseID: "r"
        )
        #expect(device.dialect.happened(.interrupted(interruption)) == [])
        #expect(device.dialect.modelSaid(.responseDone(Response(id: "r", status: .cancelled))) == [])
    }

    @Test func whatADeviceIsToldOfItsCall() {
        var device = Device()
        _ = device.say(Self.hello)
        #expect(
            device.dialect.happened(.callerTranscript(itemID: "i", text: "hello"))
                == [.say(#"{"session_id":"DV1","type":"stt","text":"hello"}"#)]
        )
        #expect(device.dialect.happened(.callerTranscript(itemID: "i", text: "")) == [])
        #expect(device.dialect.happened(.callerSpeechStarted(itemID: "i")) == [])
        #expect(device.dialect.happened(.callerSpeechStopped(itemID: "i")) == [])
        #expect(
            Self.text(device.dialect.happened(.ending(.maximumDuration, .system, detail: "")).first)
                == [
                    "session_id": "DV1", "type": "alert", "status": "Call ended", "message": "maximum_duration",
                    "emotion": "neutral",
                ]
        )
        // Who hangs up knows it.
        #expect(device.dialect.happened(.ending(.callerHungUp, .caller, detail: "")) == [])
        #expect(device.dialect.happened(.agentMuted(true)) == [])
    }

    @Test func whatThePageIsToldOfItsCall() {
        var page = Device()
        _ = page.say(Self.pageHello)
        #expect(
            page.dialect.happened(.callerSpeechStarted(itemID: "i"))
                == [.say(#"{"session_id":"DV1","type":"speech","state":"started"}"#)]
        )
        #expect(
            page.dialect.happened(.callerSpeechStopped(itemID: "i"))
                == [.say(#"{"session_id":"DV1","type":"speech","state":"stopped"}"#)]
        )
        #expect(
            page.dialect.happened(.ending(.agentHungUp, .agent, detail: ""))
                == [.say(#"{"session_id":"DV1","type":"end","reason":"agent_hung_up"}"#)]
        )
    }

    /// What the core writes by itself must fit its room.
    @Test func textsOfTheLineFitTheCore() throws {
        var page = Device()
        let line = try Self.line(page.say(Self.pageHello))
        for text in [line.begin, line.end, line.clear, line.markHead, line.markTail] {
            #expect(text.utf8.count <= 256)
        }
    }
}

/// Asterisk's `chan_websocket`.
@Suite struct AsteriskDialectTests {
    private struct Asterisk {
        var dialect = AsteriskDialect()

        mutating func say(_ text: String) -> [DialectAction] {
            Array(text.utf8).withUnsafeBytes { dialect.received($0) }
        }
    }

    private static let plain =
        "MEDIA_START connection_id:c-1 channel:WebSocket/c/0x1 format:ulaw optimal_frame_size:160 ptime:20"

    private static func json(_ format: String) -> String {
        #"{"event":"MEDIA_START","connection_id":"c-1","channel":"WebSocket/c","format":"\#(format)","ptime":20}"#
    }

    private static func read(_ actions: [DialectAction]) throws -> (AudioLine, CarrierStart) {
        guard actions.count == 2, case .line(let line) = actions[0], case .begin(let start, let tools) = actions[1],
            tools.isEmpty
        else {
            throw Unexpected()
        }
        return (line, start)
    }

    private struct Unexpected: Error {}

    @Test func plainWords() throws {
        var asterisk = Asterisk()
        asterisk.dialect = AsteriskDialect(parameters: ["tenant": "acme"])
        let (line, start) = try Self.read(asterisk.say(Self.plain))
        #expect(line.coding == .ulaw && line.modelFormat == .pcmu && line.hasMarks && !line.mayRest)
        #expect(line.clear == "FLUSH_MEDIA" && line.markHead == "MARK_MEDIA " && line.markTail.isEmpty)
        #expect(line.begin.isEmpty && line.end.isEmpty)
        #expect(start.callID == "c-1" && start.streamID == "c-1" && start.sampleRate == 8_000)
        #expect(start.parameters == ["tenant": "acme", "channel": "WebSocket/c/0x1"])
    }

    @Test(arguments: [
        ("ulaw", AudioLine.Coding.ulaw, AudioFormat.pcmu, 8_000), ("alaw", .alaw, .pcma, 8_000),
        ("opus", .opus, .pcm24000, 24_000),
    ])
    func jsonWords(format: String, coding: AudioLine.Coding, model: AudioFormat, rate: Int) throws {
        var asterisk = Asterisk()
        let (line, start) = try Self.read(asterisk.say(Self.json(format)))
        #expect(line.coding == coding && line.modelFormat == model && start.sampleRate == rate)
        if coding == .opus {
            // Passed on as it comes: no marks, no flush, and little ahead of time.
            #expect(!line.hasMarks && line.clear.isEmpty && line.leadMilliseconds == 60)
        } else {
            #expect(line.clear == #"{"command":"FLUSH_MEDIA"}"#)
            let mark = line.markHead + "g1.2" + line.markTail
            #expect(mark == #"{"command":"MARK_MEDIA","correlation_id":"g1.2"}"#)
        }
    }

    @Test func eventsInBothForms() {
        let both: [(String, String, [DialectAction])] = [
            ("MEDIA_XOFF", #"{"event":"MEDIA_XOFF","channel_id":"1"}"#, [.hold(true)]),
            ("MEDIA_XON", #"{"event":"MEDIA_XON"}"#, [.hold(false)]),
            (
                "MEDIA_MARK_PROCESSED correlation_id:g1.2",
                #"{"event":"MEDIA_MARK_PROCESSED","correlation_id":"g1.2"}"#, [.echo("g1.2")]
            ),
            ("MEDIA_MARK_PROCESSED", #"{"event":"MEDIA_MARK_PROCESSED"}"#, [.malformed]),
            ("DTMF_END digit:*", #"{"event":"DTMF_END","digit":"*"}"#, [.digit("*")]),
            ("DTMF_END", #"{"event":"DTMF_END"}"#, [.malformed]),
            ("QUEUE_DRAINED", #"{"event":"QUEUE_DRAINED"}"#, []),
            ("MEDIA_BUFFERING_COMPLETED", #"{"event":"MEDIA_BUFFERING_COMPLETED"}"#, []),
            ("STATUS queue_length:43", #"{"event":"STATUS","queue_length":43}"#, []),
            ("ERROR no such mark", #"{"event":"ERROR","error_text":"no such mark"}"#, [.complaint("no such mark")]),
            ("ERROR", #"{"event":"ERROR"}"#, [.complaint("an error without words")]),
            ("DANCE", #"{"event":"DANCE"}"#, []), ("dance", #"{"event":"dance"}"#, [.malformed]),
            ("", "{", [.malformed]), ("   ", #"{"command":"x"}"#, [.malformed]),
        ]
        for (plain, json, actions) in both {
            var asterisk = Asterisk()
            _ = asterisk.say(Self.plain)
            #expect(asterisk.say(plain) == actions, "\(plain)")
            var other = Asterisk()
            _ = other.say(Self.json("ulaw"))
            #expect(other.say(json) == actions, "\(json)")
        }
    }

    @Test(arguments: [
        (
            #"{"event":"error","payload":{"code":100003,"title":"malformed_frame","detail":"no base64"}}"#,
            "100003: malformed_frame: no base64"
        ),
        (#"{"event":"error"}"#, "an error without words"), (#"{"event":"dance"}"#, nil), ("{", nil),
    ])
    func whatTelnyxDidNotLikeIsTold(message: String, problem: String?) {
        var message = message
        #expect(message.withUTF8 { TelnyxStart.problem(UnsafeRawBufferPointer($0)) } == problem)
    }

    @Test func aDigitMayBeANumber() {
        var asterisk = Asterisk()
        _ = asterisk.say(Self.json("ulaw"))
        #expect(asterisk.say(#"{"event":"DTMF_END","digit":5}"#) == [.digit("5")])
    }

    @Test func whatCannotBeServedIsTurnedAway() {
        func first(_ message: String) -> [DialectAction] {
            var asterisk = Asterisk()
            return asterisk.say(message)
        }
        #expect(first("MEDIA_XON") == [.close(1_008, "the first message must be MEDIA_START")])
        #expect(first("") == [.malformed])
        #expect(first("MEDIA_START format:ulaw") == [.close(1_008, "MEDIA_START without connection_id")])
        #expect(
            first("MEDIA_START connection_id: format:ulaw") == [.close(1_008, "MEDIA_START without connection_id")]
        )
        #expect(
            first("MEDIA_START connection_id:c format:slin16")
                == [.close(1_008, "format slin16 is not ulaw, alaw or opus")]
        )
        #expect(
            first("MEDIA_START connection_id:c") == [.close(1_008, "format missing is not ulaw, alaw or opus")]
        )
        var asterisk = Asterisk()
        _ = asterisk.say(Self.plain)
        #expect(asterisk.say(Self.plain) == [.close(1_008, "a second MEDIA_START")])
        #expect(asterisk.dialect.timeUp() == [.close(1_008, "start_timeout")])
        #expect(asterisk.dialect.happened(.agentMuted(true)) == [])
    }

    /// A close frame holds 123 bytes of reason.
    @Test func aReasonFitsItsFrame() {
        var asterisk = Asterisk()
        let format = String(repeating: "f", count: 5_000)
        for case .close(_, let reason) in asterisk.say("MEDIA_START connection_id:c format:\(format)") {
            #expect(reason.utf8.count <= 123)
        }
    }
}

/// Telnyx's start message.
@Suite struct TelnyxStartTests {
    private static func message(_ old: String = "", _ new: String = "") -> [UInt8] {
        let text =
            #"{"event":"start","sequence_number":"1","stream_id":"S-1","start":{"user_id":"u-1","call_control_id":"v2:c-1","#
            + #""call_session_id":"x","from":"+15550100","to":"+15550101","tags":[],"client_state":"c3RhdGU=","#
            + #""custom_parameters":{"tenant":"acme"},"media_format":{"encoding":"PCMU","sample_rate":8000,"channels":1}}}"#
        precondition(old.isEmpty || text.contains(old))
        return Array((old.isEmpty ? text : text.replacing(old, with: new)).utf8)
    }

    private static func read(_ old: String = "", _ new: String = "", _ limits: CallLimits = CallLimits()) throws -> (
        start: CarrierStart, line: AudioLine
    ) {
        let read = try message(old, new).withUnsafeBytes { try TelnyxStart.read($0, limits: limits) }
        return (read.0, read.1)
    }

    @Test(arguments: [
        ("PCMU", 8_000, AudioLine.Coding.ulaw, AudioFormat.pcmu), ("PCMA", 8_000, .alaw, .pcma),
        ("OPUS", 16_000, .opus, .pcm24000), ("OPUS", 48_000, .opus, .pcm24000),
    ])
    func codings(encoding: String, rate: Int, coding: AudioLine.Coding, format: AudioFormat) throws {
        let (start, line) = try Self.read(
            #""encoding":"PCMU","sample_rate":8000"#,
            #""encoding":"\#(encoding)","sample_rate":\#(rate)"#
        )
        #expect(line == AudioLine(coding) && line.modelFormat == format)
        #expect(start.encoding == "audio/\(encoding)" && start.sampleRate == rate)
    }

    @Test func whatACallKnows() throws {
        let (start, _) = try Self.read()
        #expect(start.streamID == "S-1" && start.callID == "v2:c-1" && start.accountID == "u-1")
        #expect(
            start.parameters
                == ["tenant": "acme", "from": "+15550100", "to": "+15550101", "client_state": "c3RhdGU="]
        )
        // The id of the stream may stand inside, and a parameter of the owner's counts more than the carrier's word.
        let inside = try Self.read(#""stream_id":"S-1","start":{"#, #""start":{"stream_id":"S-1","#)
        #expect(inside.start.streamID == "S-1")
        #expect(try Self.read(#"{"tenant":"acme"}"#, #"{"from":"me"}"#).start.parameters["from"] == "me")
    }

    @Test func parametersAreBounded() throws {
        var limits = CallLimits()
        limits.parameters = 2
        limits.parameterBytes = 8
        let (start, _) = try Self.read(
            #"{"tenant":"acme"}"#,
            #"{"a":"1","a":"2","long":"123456789","n":7,"b":"2","c":"3"}"#,
            limits
        )
        #expect(start.parameters.filter { $0.key.count == 1 } == ["a": "1", "b": "2"])
        #expect(start.parameters["long"] == nil && start.parameters["n"] == nil)
    }

    @Test(arguments: [
        (#""encoding":"PCMU""#, #""encoding":"L16""#, "encoding L16 is not PCMU, PCMA or OPUS"),
        (#""encoding":"PCMU""#, #""encoding":"pcmu""#, "encoding pcmu is not PCMU, PCMA or OPUS"),
        (#""encoding":"PCMU""#, #""encoding":"G722""#, "encoding G722 is not PCMU, PCMA or OPUS"),
        (#""encoding":"PCMU","#, "", "encoding  is not PCMU, PCMA or OPUS"),
        (
            #""encoding":"PCMU""#, #""encoding":"LLLLLLLLLLLLLLLLLLLLLLLLL""#,
            "encoding LLLLLLLLLLLLLLLLLLLL is not PCMU, PCMA or OPUS"
        ),
        (#""stream_id":"S-1","#, "", "start without stream_id, call_control_id or media_format"),
        (#""call_control_id":"v2:c-1","#, "", "start without stream_id, call_control_id or media_format"),
        (#""media_format":{"#, #""other":{"#, "start without stream_id, call_control_id or media_format"),
        (#""start":{"#, #""begin":{"#, "start without stream_id, call_control_id or media_format"),
        ("}}}", "}}", "start without stream_id, call_control_id or media_format"),
    ])
    func whatCannotBeServed(old: String, new: String, reason: String) {
        #expect(throws: TelnyxStart.Failure(reason: reason)) { try Self.read(old, new) }
    }
}
