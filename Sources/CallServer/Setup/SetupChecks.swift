import CallBridge
import CallPolicy
import Glibc
import RealtimeProtocol
public import Trunk
import WebServer

/// Looks at everything that a call needs: the key and the model, the address under which carriers find the server, the
/// carrier's account and its webhook, signatures, and the machine's limits.
public struct SetupChecks: Sendable {
    let settings: Settings
    let fetcher: (any HTTPFetching)?
    let engine: CallEngine

    /// Checks for settings.
    ///
    /// - Parameters:
    ///   - settings: What the server is told.
    ///   - fetcher: Asks other servers; without one only what needs none is looked at.
    ///   - engine: Where sockets are opened.
    public init(_ settings: Settings, fetcher: (any HTTPFetching)?, engine: CallEngine) {
        self.settings = settings
        self.fetcher = fetcher
        self.engine = engine
    }

    /// Looks at all of it, a few seconds at most.
    public func run() async -> [SetupCheck] {
        async let model = model()
        async let page = publicPage()
        async let socket = publicSocket()
        async let signature = signature()
        async let account = account()
        return await [key, limits, model, page, socket, signature] + account
    }

    private var key: SetupCheck {
        if settings.usesParrot {
            return SetupCheck(
                .key,
                .warning,
                "OPENAI_API_KEY is not set: a built-in parrot answers",
                advice: "set OPENAI_API_KEY when the line is known to work"
            )
        }
        if settings.key.isEmpty {
            return SetupCheck(.key, .warning, "no key is sent to OPENAI_REALTIME_URL")
        }
        return SetupCheck(.key, .ok, "set (not shown)")
    }

    /// A call takes a descriptor for the phone and one for the model, two while it moves from one model to the next.
    private var limits: SetupCheck {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let has = Int(clamping: limit.rlim_cur)
        let wanted = settings.callsMax * 3 + settings.web.connectionsMax + settings.viewersMax + 100
        let detail = "\(has) descriptors, \(wanted) wanted for MAX_CONNECTIONS=\(settings.callsMax)"
        guard has < wanted else { return SetupCheck(.limits, .ok, detail) }
        return SetupCheck(
            .limits,
            .warning,
            detail,
            advice: "raise LimitNOFILE, or `ulimit -n \(wanted)`"
        )
    }
}
