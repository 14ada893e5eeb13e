import HTTPTypes
import RealtimeProtocol
import Trunk
import WebServer

/// The setup checklist, for the dashboard.
struct SetupEndpoints: Sendable {
    let live: LiveSettings
    let fetcher: (any HTTPFetching)?
    let engine: CallEngine
    let rest: TwilioREST?
    /// The checks that run or ran last, and when they ended; nil while they run. A page that asks again and again costs
    /// others nothing, nor do many pages.
    private let last = Locked<(task: Task<[SetupCheck], Never>, endedAt: Int64?)?>(nil)

    init(live: LiveSettings, fetcher: (any HTTPFetching)?, engine: CallEngine, rest: TwilioREST?) {
        self.live = live
        self.fetcher = fetcher
        self.engine = engine
        self.rest = rest
    }

    /// How long what the checks said is told again, in milliseconds.
    private static let keptMilliseconds: Int64 = 10_000

    var routes: [Route] {
        [
            Route(
                .get,
                "/setup",
                "Whether all that a call needs is there: key, model, address, carrier",
                access: .viewer
            ) {
                _ in .json(await checks())
            },
            Route(
                .post,
                "/setup/webhook",
                "Lets the calls of a number of the carrier's come here",
                access: .operate,
                requestSchema: [
                    "type": "object", "required": ["number"],
                    "properties": ["number": ["type": "string", "pattern": .string(CarrierSettings.numberPattern)]],
                ],
                responses: [
                    (200, "they come here now"), (409, "the server is not set up for it"), (422, "the body is wrong"),
                    (502, "the carrier refused"),
                ]
            ) { try await setWebhook($0) },
        ]
    }

    private func checks() async -> JSONValue {
        let now = MonotonicClock.milliseconds
        let task = last.withLock { last in
            if let last, last.endedAt.map({ now - $0 < Self.keptMilliseconds }) ?? true { return last.task }
            let task = Task { await SetupChecks(live.settings, fetcher: fetcher, engine: engine).run() }
            last = (task, nil)
            return task
        }
        let checks = await task.value
        last.withLock { last in
            if last?.task == task, last?.endedAt == nil { last?.endedAt = MonotonicClock.milliseconds }
        }
        return ["checks": .array(checks.map(\.json))]
    }

    private func setWebhook(_ request: WebRequest) async throws -> WebResponse {
        let number = try request.object().text("number")
        guard let rest, let origin = live.settings.publicOrigin else {
            throw WebError(.conflict, "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and PUBLIC_URL are wanted for this")
        }
        do throws(TwilioRESTError) {
            guard let known = try await rest.numbers().first(where: { $0.number == number }) else {
                throw TwilioRESTError(description: "the account has no number \(number.suffix(4))")
            }
            try await rest.setWebhook(
                ofNumber: known.id,
                to: origin.pageURL(path: CarrierEndpoints.incomingPath),
                fallback: origin.pageURL(path: CarrierEndpoints.fallbackPath),
                status: origin.pageURL(path: CarrierEndpoints.statusPath)
            )
        } catch {
            throw WebError(.badGateway, error.description)
        }
        last.withLock { $0 = nil }
        return .json(["status": "set"])
    }
}
