public import CallBridge
public import CallPolicy
import Glibc
import Logging
import RealtimeProtocol
public import Trunk
public import WebServer

/// What a server is told: by flags, the environment, `.env`, a YAML file and the prompt file, in this order.
public struct Settings: Sendable {
    /// Everything that is wrong, one line each.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// One line for each wrong value: its name, the value and what is allowed. Secrets are not shown.
        public let problems: [String]
        /// What is wrong.
        public init(problems: [String]) { self.problems = problems }

        /// All of them.
        public var description: String { problems.joined(separator: "\n") }
    }

    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port to listen on; 0 picks one.
    public var port = 5050
    /// Engines, each with a thread and a listener of its own.
    public var loops = 1
    /// Calls at once, in all.
    public var callsMax = 1_000
    /// OpenAI's key; empty without one.
    public var key = ""
    /// The model's address, when one was given.
    public var realtimeURL: String?
    /// PEM file of certificate authorities for the model.
    public var authorityFile: String?
    /// How calls are led.
    public var call = CallConfiguration()
    /// Which calls are led otherwise.
    public var routing = RoutingTable()
    /// Dials of the model a second, over all loops; also how many may come at once.
    public var connectsPerSecond = 200
    /// Limits and times of the engines.
    public var engine = EngineConfiguration.forCalls
    /// Whose ways to follow.
    public var compat = Compat.trunkline
    /// Where the outside world finds the server.
    public var publicOrigin: PublicOrigin?
    /// `PUBLIC_URL` as it was written.
    public var publicURL = ""
    /// What the carrier's voice says around the stream.
    public var texts = SpokenTexts()
    /// A document of the operator's own for incoming calls.
    public var template: TwiMLTemplate?
    /// Log lines.
    public var logging = LogSettings()
    /// Who may do what.
    public var access = AccessSettings()
    /// What the operator calls this installation, such as `production`.
    public var environmentName = "development"
    /// Pauses between two samples for the health page, in milliseconds.
    public var healthIntervalMilliseconds = 30_000
    /// How long running calls may go on after the server was told to stop, in milliseconds.
    public var drainMilliseconds = 3_600_000
    /// People who watch on `/ws/logs` at once.
    public var viewersMax = 64
    /// Limits of the HTTP side.
    public var web = WebService.Configuration()
    /// Where the definitions of tools are.
    public var toolsFile: String?
    /// Tools that ask other servers.
    public var httpTools: [HTTPTool] = []
    /// Tools of the server's own, and whom it asks before a call.
    public var tools = ToolSettings()
    /// What may be done by way of the carrier's API.
    public var carrier = CarrierSettings()
    /// What is kept of calls.
    public var records = RecordSettings()
    /// Who may call without a telephone.
    public var devices = DeviceSettings()
    /// How much may happen at once, and cost.
    public var caps = CapSettings()
    /// The certificate of the server's own TLS; nil without.
    public var tls: TLSFiles?
    /// Keys of servers of tools.
    var serverSecrets: [String] = []
    /// What the operator should know, one line each.
    public var notes: [String] = []
    /// Which place gave a name its value; names that are missing have their default.
    var places: [String: String] = [:]

    /// Files of the server's own TLS.
    public struct TLSFiles: Sendable, Hashable {
        /// The certificate with its chain, PEM.
        public var certificate: String
        /// Its key, PEM.
        public var key: String

        /// Both belong together.
        init?(_ reader: inout SettingsReader) {
            let (certificate, key) = (reader.text("TLS_CERT"), reader.text("TLS_KEY"))
            guard let certificate, let key else {
                if certificate != nil || key != nil {
                    reader.problems.append("TLS_CERT: it and TLS_KEY belong together")
                }
                return nil
            }
            self.certificate = certificate
            self.key = key
            var status = stat()
            if stat(key, &status) == 0, status.st_mode & 0o007 != 0 {
                reader.notes.append("TLS_KEY: \"\(key)\" can be read by everybody on this machine")
            }
        }
    }

    /// Whether the built-in parrot answers instead of a model: nothing to dial was given.
    public var usesParrot: Bool { key.isEmpty && realtimeURL == nil }

    /// Reads the settings out of an environment.
    ///
    /// - Parameters:
    ///   - environment: Names and values.
    ///   - prompt: The instructions; nil when there is no prompt file.
    public init(environment: [String: String], prompt: String?) throws(Failure) {
        try self.init(SettingsSources(layers: [SettingsLayer("environment", environment)], prompt: prompt))
    }

    /// Reads the settings out of everything that was given.
    public init(_ sources: SettingsSources) throws(Failure) {
        var reader = SettingsReader(sources.layers)
        compat = reader.choice("COMPAT", Compat.allCases.map { ($0.rawValue, $0) }) ?? compat
        host = reader.text("HOST") ?? host
        port = reader.number("PORT", 0...65_535) ?? compat.port
        loops = reader.number("LOOPS", 1...64) ?? loops
        connectsPerSecond = reader.number("CONNECTS_PER_SECOND", 1...10_000) ?? connectsPerSecond
        callsMax = reader.number("MAX_CONNECTIONS", 1...10_000) ?? callsMax
        readModel(&reader)
        readCall(&reader, prompt: sources.prompt)
        readSession(&reader, sources.session)
        readEngine(&reader)
        readPublic(&reader, template: sources.template)
        readOperation(&reader)
        access = AccessSettings(&reader, host: host)
        web.origins = CORSPolicy(access.corsOrigins)
        tools = ToolSettings(&reader)
        readTools(&reader, sources)
        carrier = CarrierSettings(&reader)
        devices = DeviceSettings(&reader)
        caps = CapSettings(&reader, callsMax: callsMax)
        tls = TLSFiles(&reader)
        records = RecordSettings(&reader)
        routing = RoutingTable(sources.routing, &reader)
        PriceSettings.apply(sources.prices, to: &call.prices, &reader)
        checkPrices(&reader)
        tellWhatOthersNeed(&reader)
        for name in Self.names { places[name] = reader.place(of: name) }
        notes = sources.notes + reader.notes
        let problems = sources.problems + reader.problems
        if !problems.isEmpty { throw Failure(problems: problems) }
    }

    /// Where the model is; not to be asked for when the parrot answers.
    public func endpoint(model: String? = nil) throws(ModelEndpoint.Failure) -> ModelEndpoint {
        try ModelEndpoint(
            url: realtimeURL ?? ModelEndpoint.defaultURL,
            model: model ?? call.session.model,
            key: key,
            authorityFile: authorityFile
        )
    }

    private mutating func readModel(_ reader: inout SettingsReader) {
        key = reader.secret("OPENAI_API_KEY") ?? ""
        realtimeURL = reader.text("OPENAI_REALTIME_URL")
        authorityFile = reader.text("OPENAI_CA_FILE")
        call.session.model = reader.text("OPENAI_MODEL") ?? call.session.model
        if let replacement = ModelNames.replacement(of: call.session.model) {
            reader.notes.append("OPENAI_MODEL: \(call.session.model) is retired, \(replacement) takes its place")
            call.session.model = replacement
        }
        guard let url = realtimeURL else { return }
        do throws(ModelEndpoint.Failure) {
            _ = try ModelEndpoint(url: url, model: "", key: "")
        } catch {
            reader.problems.append("OPENAI_REALTIME_URL: \(error)")
        }
    }

    /// What has no price costs nothing by our count: a bound on costs would bound nothing.
    private func checkPrices(_ reader: inout SettingsReader) {
        let caps = [
            ("COST_PER_CALL", call.limits.costMicrodollars), ("COST_PER_DAY", caps.dayMicrodollars),
        ].filter { $0.1 != nil }.map(\.0)
        if caps.isEmpty { return }
        let models = [call.session.model] + routing.rules.compactMap(\.changes.model)
        let unpriced = Set(models.filter { call.prices.price(of: $0) == nil }).sorted()
        if unpriced.isEmpty { return }
        reader.problems.append(
            "\(caps.joined(separator: ", ")): \(unpriced.joined(separator: ", ")) has no price; the section prices of "
                + "CONFIG_FILE can give it one"
        )
    }

    /// Who replaces another server relies on its refusal to start, in its words.
    private func tellWhatOthersNeed(_ reader: inout SettingsReader) {
        guard compat != .trunkline else { return }
        if usesParrot { reader.problems.append("OPENAI_API_KEY environment variable is required") }
        if compat == .fastapi, reader.text("PUBLIC_URL") == nil {
            reader.problems.append("PUBLIC_URL environment variable is required")
        }
    }

    private mutating func readTools(_ reader: inout SettingsReader, _ sources: SettingsSources) {
        guard let text = sources.tools else { return }
        let file = HTTPToolFile(parsing: text, environment: sources.environment)
        httpTools = file.tools
        call.session.serverTools = file.servers
        serverSecrets = file.serverSecrets
        reader.problems += file.problems.map { "TOOLS_FILE: \($0)" }
    }

    private mutating func readSession(_ reader: inout SettingsReader, _ file: JSONValue?) {
        var given = file
        if let text = reader.text("SESSION") {
            given = try? JSONValue(parsing: text)
            if given == nil { reader.problems.append("SESSION: is not JSON") }
        }
        guard let given else { return }
        let outcome = SessionSettings.apply(given, to: &call.session)
        reader.problems += outcome.problems.map { "SESSION: \($0)" }
        reader.notes += outcome.notes.map { "SESSION: \($0)" }
    }
}
