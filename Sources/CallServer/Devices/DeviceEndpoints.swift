import CallBridge
import CallPolicy
import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// What devices ask before they call, who may, and what our own page asks.
struct DeviceEndpoints: Sendable {
    let live: LiveSettings
    let carrier: CarrierGuard
    let devices: DeviceAccess
    let drain: DrainState
    let directory: CallDirectory
    /// The time, and the zone by which a device shows it.
    var clock: @Sendable () -> WallClock = { .now() }

    /// Devices ask with a slash at the end, which means the same.
    static let bootstrapPath = "/xiaozhi/ota"
    private static let refusals = [
        (400, "no Device-Id or Client-Id"), (404, "DEVICES=off"), (429, "too many devices wait for their code"),
    ]
    private static let headers = [
        header("Device-Id", "the device's name, mostly its hardware address"),
        header("Client-Id", "the program on the device, known to it alone; pairing needs it"),
    ]

    private static func header(_ name: String, _ text: String) -> Route.Parameter {
        var parameter = Route.Parameter(
            name,
            text,
            schema: ["type": "string", "pattern": "^[!#-\\[\\]-~]{1,64}$"],
            isRequired: true
        )
        parameter.isHeader = true
        return parameter
    }

    private static let codeSchema: JSONValue = [
        "type": "object", "required": ["code"], "additionalProperties": false,
        "properties": ["code": ["type": "string", "pattern": "^[0-9]{6}$"]],
    ]

    var routes: [Route] {
        [
            Route(
                .post,
                Self.bootstrapPath,
                "Where a device finds its stream (xiaozhi); what it says of itself may be the body",
                query: Self.headers,
                responses: [(200, "OK")] + Self.refusals
            ) { try answer($0) },
            Route(
                .get,
                Self.bootstrapPath,
                "The same without a body",
                query: Self.headers,
                responses: [(200, "OK")] + Self.refusals
            ) { try answer($0) },
            Route(
                .post,
                Self.bootstrapPath + "/activate",
                "Whether a device is paired",
                query: Self.headers,
                responses: [(200, "paired"), (202, "not yet")] + Self.refusals
            ) { try activation($0) },
            Route(.get, "/devices", "Devices that may call, and those that wait", access: .viewer) { _ in
                .json(list)
            },
            Route(
                .post,
                "/devices/pair",
                "Lets the device call that shows this code",
                access: .operate,
                requestSchema: Self.codeSchema,
                responses: [(200, "paired"), (404, "no device shows this code"), (422, "the body is wrong")]
            ) { try await pair($0) },
            Route(
                .delete,
                "/devices/{device}",
                "Takes a device's leave to call away",
                access: .operate,
                responses: [(200, "done"), (404, "it was not paired")]
            ) { request in
                let device = request.parameters["device"] ?? ""
                guard let isKept = await devices.unpair(device, by: request.actor) else {
                    throw WebError(.notFound, "no such device is paired")
                }
                for callSID in directory.calls(ofDevice: device) {
                    _ = await directory.command(.hangUp(.operator, .operatorHungUp), to: callSID)
                }
                return .json(["kept": .bool(isKept)])
            },
            Route(
                .get,
                "/talk/status",
                "What a page that talks must know",
                access: .operate,
                responses: [(200, "ready"), (503, "not ready, and why")]
            ) { _ in status },
        ]
    }

    // MARK: - Bootstrap

    private static func device(_ request: WebRequest) throws -> (deviceID: String, clientID: String) {
        let device = request.headers[.deviceID] ?? request.query["device-id"] ?? ""
        guard DeviceAccess.isName(device) else {
            throw WebError(.badRequest, "the header Device-Id is missing, or is no name of a device")
        }
        let client = request.headers[.clientID] ?? request.query["client-id"] ?? ""
        guard client.isEmpty || DeviceAccess.isName(client) else {
            throw WebError(.badRequest, "the header Client-Id is no name of a program on a device")
        }
        return (device, client)
    }

    private func answer(_ request: WebRequest) throws -> WebResponse {
        guard devices.isOn else { throw WebError(.notFound, "devices may not call this server (DEVICES=off)") }
        let (device, client) = try Self.device(request)
        let body = try? JSONValue(parsing: request.body)
        let version =
            body?["application"]?["version"]?.stringValue ?? request.headers[HTTPField.Name("Firmware-Version")!]
            ?? "1.0.0"
        var answer: JSONObject = [
            "server_time": serverTime,
            // The device's own version: there is never anything newer here.
            "firmware": ["version": .string(version), "url": ""],
        ]
        switch try state(of: device, client, request) {
        case .code(let code):
            answer["activation"] = [
                "code": .string(code), "message": .string("\(code)\nPOST /devices/pair"), "challenge": .string(device),
                "timeout_ms": 30_000,
            ]
        case .token(let token):
            guard let origin = carrier.origin(request) else {
                throw WebError(.badRequest, "the request names no host: PUBLIC_URL tells where devices find us")
            }
            answer["websocket"] = [
                "url": .string("ws" + origin.pageURL(path: DeviceAcceptor.devicePaths[0]).dropFirst("http".count)),
                "token": .string(token), "version": 1,
            ]
        case .full, .nameless: break
        }
        return .json(.object(answer))
    }

    /// Devices reckon their zone in minutes.
    var serverTime: JSONValue {
        let zone = clock().offsetSeconds / 60
        return ["timestamp": .integer(UnixTime.milliseconds), "timezone_offset": .integer(Int64(zone))]
    }

    private func activation(_ request: WebRequest) throws -> WebResponse {
        guard devices.isOn else { throw WebError(.notFound, "devices may not call this server (DEVICES=off)") }
        let (device, client) = try Self.device(request)
        if case .token = try state(of: device, client, request) { return .json(["paired": true]) }
        return .json(["paired": false], status: .accepted)
    }

    private func state(of device: String, _ client: String, _ request: WebRequest) throws -> DeviceAccess.Answer {
        let address = request.isFromThisMachine ? nil : carrier.address(of: request)
        let state = devices.answer(to: device, client, from: address)
        switch state {
        case .full:
            throw WebError(.tooManyRequests, "too many devices wait for their code: try in ten minutes")
        case .nameless:
            throw WebError(.badRequest, "the header Client-Id is missing: a device is paired by it and by Device-Id")
        case .token, .code: return state
        }
    }

    // MARK: - Operators

    private var list: JSONValue {
        let all = devices.devices
        let waiting = all.pending.map { pending -> JSONValue in
            ["device": .string(pending.deviceID), "since": .string(UnixTime.text(pending.at))]
        }
        return ["paired": .array(all.paired.keys.sorted().map(JSONValue.string)), "waiting": .array(waiting)]
    }

    private func pair(_ request: WebRequest) async throws -> WebResponse {
        let code = try request.object().text("code")
        guard DevicePairing.isCode(code) else {
            throw WebError(.unprocessableContent, "code: six digits are expected, as the device shows them")
        }
        guard let (device, isKept) = await devices.pair(code: code, by: request.actor) else {
            throw WebError(.notFound, "no device shows this code, or it was shown too long ago")
        }
        return .json(["device": .string(device), "kept": .bool(isKept)])
    }

    private var status: WebResponse {
        if !OpusEncoder.isBuiltIn {
            return .problem(.serviceUnavailable, "this server is built without Opus: build it with the trait Opus")
        }
        if drain.isDraining { return .problem(.serviceUnavailable, "this server is about to stop") }
        let settings = live.settings
        return .json([
            "opus": true, "model": .string(settings.usesParrot ? "parrot" : live.call.session.model),
            "voice": .string(live.call.session.voice), "sample_rate": 24_000,
        ])
    }
}
