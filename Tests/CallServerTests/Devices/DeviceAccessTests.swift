import CallBridge
import CallPolicy
import RealtimeProtocol
import TestSupport
import Testing
import Trunk

@testable import CallServer

/// Which devices find their stream, and which may open it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DeviceAccessTests {
    private static let outside = "X-Forwarded-For: 192.0.2.1"
    private static let path = DeviceAcceptor.devicePaths[0]
    private static let operatorToken = "operator-0123456789"
    private static let settings = ["API_TOKEN": operatorToken, "VIEWER_TOKEN": "viewer-0123456789ab"]
    private static let asOperator = [outside, "Authorization: Bearer \(operatorToken)"]
    private static let asViewer = [outside, "Authorization: Bearer viewer-0123456789ab"]

    private func bootstrap(
        _ server: ServerFixture,
        _ device: String,
        method: String = "POST",
        headers: [String] = [outside],
        client: String = "one"
    ) async throws -> JSONValue {
        let answer = try await server.ask(
            method,
            "/xiaozhi/ota/",
            headers: headers + ["Device-Id: \(device)", "Client-Id: \(client)", "Content-Type: application/json"],
            host: "a.example",
            body: method == "GET" ? "" : #"{"application":{"name":"xiaozhi","version":"1.7.2"}}"#
        )
        #expect(answer.status == 200, "\(answer.text)")
        return try JSONValue(parsing: answer.body)
    }

    private func code(_ server: ServerFixture, _ device: String) async throws -> String {
        try #require(try await bootstrap(server, device)["activation"]?["code"]?.stringValue)
    }

    private func activated(_ server: ServerFixture, _ device: String) async throws -> Int {
        try await server.ask(
            "POST",
            "/xiaozhi/ota/activate",
            headers: [Self.outside, "Device-Id: \(device)", "Client-Id: one", "Content-Type: application/json"],
            body: "{}"
        ).status
    }

    private func pair(_ server: ServerFixture, _ code: String, headers: [String] = asOperator) async throws
        -> HTTPAnswer
    {
        try await server.ask(
            "POST",
            "/devices/pair",
            headers: headers + ["Content-Type: application/json"],
            body: #"{"code":"\#(code)"}"#
        )
    }

    /// What the upgrade of a device from elsewhere gets.
    private func upgrade(
        _ server: ServerFixture,
        _ device: String,
        token: String? = nil,
        more: String = "X-None: 1"
    ) async throws -> Int? {
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return try await Upgrade.status(
            server,
            Self.path,
            "\(Self.outside)\r\nDevice-Id: \(device)\r\n\(authorization)\(more)"
        )
    }

    // MARK: - Pairing

    @Test func aDeviceIsPairedByItsCode() async throws {
        let server = try await ServerFixture(Self.settings)
        // Unpaired: a code to show, no place to call, and never another protocol.
        let first = try await bootstrap(server, "aa:bb")
        let code = try #require(first["activation"]?["code"]?.stringValue)
        #expect(code.count == 6 && code.allSatisfy(\.isNumber))
        #expect(first["activation"]?["message"]?.stringValue?.contains(code) == true)
        #expect(first["activation"]?["challenge"] == "aa:bb")
        #expect(first["websocket"] == nil && first["mqtt"] == nil)
        #expect(first["firmware"] == ["version": "1.7.2", "url": ""])
        #expect(try #require(first["server_time"]?["timestamp"]?.integerValue) > 1_600_000_000_000)
        // It asks again: the same code. Another has another.
        #expect(try await self.code(server, "aa:bb") == code)
        let other = try await self.code(server, "cc:dd")
        #expect(other != code)
        #expect(try await activated(server, "aa:bb") == 202)
        #expect(try await upgrade(server, "aa:bb") == 401)

        #expect(try await pair(server, code, headers: [Self.outside]).status == 401)
        #expect(try await pair(server, code, headers: Self.asViewer).status == 403)
        for wrong in ["12345", "1234567", "12345a", "１２３４５６"] {
            #expect(try await pair(server, wrong).status == 422, "\(wrong)")
        }
        #expect(try await pair(server, "").status == 422)
        let missing = [0, 1, 2].map { String(format6($0)) }.first { $0 != code && $0 != other }
        #expect(try await pair(server, try #require(missing)).status == 404)
        #expect(try await pair(server, code).text == #"{"device":"aa:bb","kept":false}"#)
        #expect(try await pair(server, code).status == 404, "a code counts once")
        #expect(try await activated(server, "aa:bb") == 200)
        let list = try await server.ask("GET", "/devices", headers: Self.asViewer)
        let json = try JSONValue(parsing: list.body)
        #expect(json["paired"] == ["aa:bb"] && json["waiting"]?.arrayValue?.map { $0["device"] } == ["cc:dd"])
        #expect(!list.text.contains(other), "codes are for those who see the device")

        let ready = try await bootstrap(server, "aa:bb")
        #expect(ready["activation"] == nil && ready["mqtt"] == nil)
        #expect(ready["websocket"]?["url"] == "ws://a.example/xiaozhi/v1/" && ready["websocket"]?["version"] == 1)
        let token = try #require(ready["websocket"]?["token"]?.stringValue)
        #expect(try await bootstrap(server, "aa:bb", method: "GET")["websocket"]?["token"]?.stringValue == token)
        await server.stop()
    }

    /// Devices show the time of the server's zone, by minutes ahead of UTC.
    @Test(arguments: [(3_600, 60), (0, 0), (-12_600, -210), (20_700, 345)])
    func theZoneIsTold(seconds: Int, minutes: Int64) async throws {
        let server = try await ServerFixture()
        var endpoints = DeviceEndpoints(
            live: server.server.live,
            carrier: server.server.web.carrier,
            devices: server.server.web.devices,
            drain: server.server.web.drain,
            directory: server.server.web.directory
        )
        endpoints.clock = { WallClock(secondsSince1970: 0, offsetSeconds: seconds, zoneName: "test") }
        #expect(endpoints.serverTime["timezone_offset"]?.integerValue == minutes)
        let told = try await bootstrap(server, "aa:bb")["server_time"]?["timezone_offset"]?.integerValue
        #expect(told == Int64(WallClock.now().offsetSeconds / 60))
        await server.stop()
    }

    /// A hardware address is no secret: another program that claims it gets a code to show, and no token.
    @Test func anotherProgramWithItsAddressIsAnotherDevice() async throws {
        let server = try await ServerFixture(Self.settings)
        let code = try await code(server, "aa:bb")
        let thief = try await bootstrap(server, "aa:bb", client: "two")
        let theirs = try #require(thief["activation"]?["code"]?.stringValue)
        #expect(theirs != code)
        #expect(try await pair(server, code).status == 200)
        #expect(try await bootstrap(server, "aa:bb", client: "two")["websocket"] == nil)
        let nameless = try await server.ask("POST", "/xiaozhi/ota/", headers: [Self.outside, "Device-Id: aa:bb"])
        #expect(nameless.status == 400 && nameless.text.contains("Client-Id"))
        let token = try #require(try await bootstrap(server, "aa:bb")["websocket"]?["token"]?.stringValue)
        // The device was set up anew: it is paired as it is now, and its old token ends.
        #expect(try await pair(server, theirs).status == 200)
        #expect(try await upgrade(server, "aa:bb", token: token) == 401)
        #expect(try await bootstrap(server, "aa:bb")["websocket"] == nil)
        await server.stop()
    }

    private func format6(_ number: Int) -> String { String(repeating: "0", count: 5) + String(number) }

    @Test func aStreamNeedsTheTokenOfItsDevice() async throws {
        let server = try await ServerFixture(Self.settings)
        for device in ["aa:bb", "cc:dd"] { _ = try await pair(server, try await code(server, device)) }
        let token = try #require(try await bootstrap(server, "aa:bb")["websocket"]?["token"]?.stringValue)
        let theirs = try #require(try await bootstrap(server, "cc:dd")["websocket"]?["token"]?.stringValue)
        #expect(token != theirs)
        #expect(try await upgrade(server, "aa:bb", token: token) == 101)
        #expect(try await upgrade(server, "aa:bb", token: theirs) == 401, "another device's token")
        #expect(try await upgrade(server, "aa:bb", token: token + "0") == 401)
        #expect(try await upgrade(server, "aa:bb") == 401)
        #expect(try await upgrade(server, "ee:ff", token: token) == 401)
        #expect(try await upgrade(server, "aa:bb", token: Self.operatorToken) == 401)
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains("trunkline_admission_rejected_total{reason=\"device_token\"} 5\n"))
        // Browsers have no headers for it.
        let query = Self.path + "?device-id=aa:bb&authorization=Bearer%20\(token)"
        #expect(try await Upgrade.status(server, query, Self.outside) == 101)
        #expect(try await Upgrade.status(server, Self.path, Self.outside) == 400, "no name")
        #expect(try await Upgrade.status(server, Self.path + "?device-id=a%20b", Self.outside) == 400)

        let forget = try await server.ask("DELETE", "/devices/aa:bb", headers: Self.asOperator)
        #expect(forget.text == #"{"kept":false}"#)
        #expect(try await server.ask("DELETE", "/devices/aa:bb", headers: Self.asOperator).status == 404)
        #expect(try await upgrade(server, "aa:bb", token: token) == 401, "it was unpaired")
        #expect(try await pair(server, try await code(server, "aa:bb")).status == 200)
        #expect(try await upgrade(server, "aa:bb", token: token) == 401, "a token of an earlier pairing")
        _ = try await server.ask("DELETE", "/devices/aa:bb", headers: Self.asOperator)
        #expect(try await bootstrap(server, "aa:bb")["websocket"] == nil)
        #expect(try await upgrade(server, "cc:dd", token: theirs) == 101)
        await server.stop()
    }

    @Test func pairedDevicesOutliveARestart() async throws {
        let folder = try TemporaryFolder()
        let settings = Self.settings.merging(["DATABASE_PATH": folder.file("calls.db")]) { $1 }
        let first = try await ServerFixture(settings)
        #expect(try await pair(first, try await code(first, "aa:bb")).text == #"{"device":"aa:bb","kept":true}"#)
        #expect(try await pair(first, try await code(first, "cc:dd")).status == 200)
        #expect(
            try await first.ask("DELETE", "/devices/cc:dd", headers: Self.asOperator).text == #"{"kept":true}"#
        )
        let token = try #require(try await bootstrap(first, "aa:bb")["websocket"]?["token"]?.stringValue)
        await first.stop()
        let second = try await ServerFixture(settings)
        #expect(try await upgrade(second, "aa:bb", token: token) == 101)
        #expect(try await bootstrap(second, "cc:dd")["websocket"] == nil)
        await second.stop()
    }

    // MARK: - Whom it trusts

    @Test func devicesCanBeSwitchedOff() async throws {
        let server = try await ServerFixture(["DEVICES": "off"])
        for headers in [["Device-Id: aa:bb"], ["Device-Id: aa:bb", Self.outside]] {
            #expect(try await server.ask("POST", "/xiaozhi/ota/", headers: headers).status == 404)
            #expect(try await server.ask("GET", "/xiaozhi/ota/", headers: headers).status == 404)
            #expect(try await server.ask("POST", "/xiaozhi/ota/activate", headers: headers).status == 404)
        }
        #expect(try await Upgrade.status(server, Self.path, "Device-Id: aa:bb") == 401, "this machine, too")
        #expect(try await upgrade(server, "aa:bb") == 401)
        await server.stop()
    }

    @Test func openLetsAllDevicesInAndNoPages() async throws {
        let server = try await ServerFixture(["DEVICES": "open"])
        let ready = try await bootstrap(server, "aa:bb")
        #expect(ready["activation"] == nil && ready["websocket"]?["url"] == "ws://a.example/xiaozhi/v1/")
        #expect(try await upgrade(server, "aa:bb") == 101)
        #expect(try await upgrade(server, "aa:bb", token: "whatever") == 101)
        #expect(try await upgrade(server, "aa:bb", more: "Origin: https://evil.example") == 401)
        await server.stop()
    }

    @Test func thisMachineNeedsNoPairing() async throws {
        let server = try await ServerFixture()
        let ready = try JSONValue(
            parsing: try await server.ask("POST", "/xiaozhi/ota/", headers: ["Device-Id: aa:bb"]).body
        )
        #expect(ready["activation"] == nil && ready["websocket"] != nil)
        #expect(try await Upgrade.status(server, Self.path, "Device-Id: aa:bb") == 101)
        // A page in a browser of this machine is a stranger's, whichever it says; so is a name that was pointed here.
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            #expect(
                try await Upgrade.status(server, Self.path, "Device-Id: aa:bb\r\nOrigin: \(origin)") == 401,
                "\(origin)"
            )
        }
        let client = try RawClient(port: server.port)
        client.send(
            RawBytes.upgrade(to: Self.path).replacing("localhost", with: "evil.example\r\nDevice-Id: aa:bb")
        )
        #expect(await client.answer().status == 401)
        await server.stop()
    }

    @Test func namesOfDevicesAreNames() async throws {
        let server = try await ServerFixture()
        let long = String(repeating: "a", count: 65)
        for name in ["", "a b", "a\"b", "a\\b", "\u{e4}", long] {
            let answer = try await server.ask("POST", "/xiaozhi/ota/", headers: ["Device-Id: \(name)"])
            #expect(answer.status == 400, "\(name)")
        }
        #expect(
            try await server.ask("POST", "/xiaozhi/ota/", headers: ["Device-Id: \(long.dropLast())"]).status == 200
        )
        await server.stop()
    }

    /// One network has places for ten; who comes then is told, and counted.
    @Test func whoInventsDevicesIsTurnedAway() async throws {
        let server = try await ServerFixture(Self.settings)
        for number in 0..<12 {
            let headers = [Self.outside, "Device-Id: d\(number)", "Client-Id: one"]
            let answer = try await server.ask("POST", "/xiaozhi/ota/", headers: headers, host: "a.example")
            #expect(answer.status == (number < DevicePairing.pendingPerNetwork ? 200 : 429), "\(number)")
        }
        let metrics = try await server.ask("GET", "/metrics").text
        #expect(metrics.contains("trunkline_admission_rejected_total{reason=\"device_waiting\"} 2\n"))
        await server.stop()
    }

    @Test func waitingDevicesAreBounded() {
        var pairing = DevicePairing()
        var number = 0
        func next() -> String {
            number += 1
            return String(number / 2)
        }
        func code(_ device: String, _ network: String, now: Int64 = 0) -> String? {
            pairing.code(for: device, "one", network: network, now: now, random: next)
        }
        // Codes that are taken are drawn again.
        #expect(code("a", "1") == "0" && code("b", "1") == "1" && code("c", "1") == "2" && code("a", "1") == "0")
        // One network fills its own places, all networks together the rest: who waits goes on waiting.
        for index in 0..<200 { _ = code("d\(index)", "1") }
        #expect(pairing.pending.count == DevicePairing.pendingPerNetwork)
        #expect(code("e", "1") == nil && code("e", "2") != nil)
        for index in 0..<200 { _ = code("f\(index)", "n\(index)", now: 1) }
        #expect(pairing.pending.count == DevicePairing.pendingMax && pairing.pending.first?.deviceID == "a")
        #expect(code("a", "1", now: 1) == "0" && code("g", "3", now: 1) == nil)
        let last = pairing.pending.last?.code ?? ""
        let late = DevicePairing.codeMilliseconds + 2
        #expect(pairing.pair(code: last, nonce: "n", now: late) == nil, "shown too long ago")
        #expect(pairing.pending.isEmpty)
        var restored = DevicePairing()
        let kept: JSONValue = ["client": "one", "nonce": "n"]
        let many = JSONValue.object(JSONObject((0..<20_000).map { .init(key: "\($0)", value: kept) }))
        let isRestored = restored.restore(many)
        #expect(isRestored)
        #expect(restored.paired.count == DevicePairing.pairedMax)
        _ = restored.code(for: "new", "one", network: "1", now: 0) { "1" }
        let over = restored.pair(code: "1", nonce: "n", now: 0)
        #expect(over == nil, "too many are paired")
        _ = restored.code(for: "7", "two", network: "1", now: 0) { "2" }
        let anew = restored.pair(code: "2", nonce: "m", now: 0)
        #expect(anew == "7", "one of them anew")
        var again = DevicePairing()
        let isWhole = again.restore(restored.json)
        #expect(isWhole && again.paired == restored.paired)
        for damaged: JSONValue in [[], ["a": "one"], ["a": ["client": "one"]]] {
            let isTaken = again.restore(damaged)
            #expect(!isTaken && again.paired.isEmpty)
        }
    }

    // MARK: - The page

    @Test func thePageNeedsAnOperator() async throws {
        let server = try await ServerFixture(Self.settings)
        let talk = DeviceAcceptor.talkPath
        for (headers, status) in [
            ([Self.outside], 401), (Self.asViewer, 403), (Self.asOperator, OpusEncoder.isBuiltIn ? 200 : 503),
            (Self.asOperator + ["Origin: https://evil.example"], 403), ([], OpusEncoder.isBuiltIn ? 200 : 503),
        ] {
            #expect(try await server.ask("GET", "/talk/status", headers: headers).status == status, "\(headers)")
        }
        for (headers, status) in [
            ([Self.outside], 401), (Self.asViewer, 403), (Self.asOperator, 101),
            (Self.asOperator + ["Origin: https://evil.example"], 403), ([], 101),
        ] {
            let header = (headers + ["X-None: 1"]).joined(separator: "\r\n")
            #expect(try await Upgrade.status(server, talk, header) == status, "\(headers)")
        }
        server.server.drain()
        #expect(try await server.ask("GET", "/talk/status", headers: Self.asOperator).status == 503)
        #expect(try await Upgrade.status(server, talk, Self.asOperator.joined(separator: "\r\n")) == 503)
        await server.stop()
    }
}
