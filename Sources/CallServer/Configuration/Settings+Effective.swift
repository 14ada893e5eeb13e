import CallPolicy
import Logging
import RealtimeProtocol
import Trunk
import WebServer

/// One setting as it is in force.
public struct EffectiveSetting: Sendable, Hashable {
    /// What a change of it takes.
    public enum Effect: Sendable, Hashable {
        /// New calls have it after a reload.
        case newCalls
        /// The server must be started anew.
        case restart
    }

    /// Its name.
    public let name: String
    /// Its value; of a secret only whether there is one.
    public let value: String
    /// The place it came from; nil is the default.
    public let place: String?
    /// What a change of it takes.
    public let effect: Effect
    /// What tells a changed value from the old one; may be a secret and is never shown.
    let identity: String

    /// A line for people.
    public var line: String { "\(name)=\(value)  # \(place ?? "default")" }
}

/// A setting of the table below.
struct SettingEntry: Sendable {
    let name: String
    let effect: EffectiveSetting.Effect
    let isSecret: Bool
    let value: @Sendable (Settings) -> String

    static func newCalls(_ name: String, _ value: @escaping @Sendable (Settings) -> String) -> SettingEntry {
        SettingEntry(name: name, effect: .newCalls, isSecret: false, value: value)
    }

    static func restart(_ name: String, _ value: @escaping @Sendable (Settings) -> String) -> SettingEntry {
        SettingEntry(name: name, effect: .restart, isSecret: false, value: value)
    }

    static func secretForNewCalls(_ name: String, _ value: @escaping @Sendable (Settings) -> String) -> SettingEntry {
        SettingEntry(name: name, effect: .newCalls, isSecret: true, value: value)
    }

    static func secret(_ name: String, _ value: @escaping @Sendable (Settings) -> String) -> SettingEntry {
        SettingEntry(name: name, effect: .restart, isSecret: true, value: value)
    }
}

extension Settings {
    /// Names that may be set.
    static let names = Set(table.map(\.name))

    /// All settings as they are in force, in the order of the table. Secrets are hidden.
    public var effective: [EffectiveSetting] {
        Self.table.map { entry in
            let value = entry.value(self)
            let hidden = value.isEmpty ? "" : "(set, not shown)"
            return EffectiveSetting(
                name: entry.name,
                value: entry.isSecret ? hidden : value,
                place: places[entry.name],
                effect: entry.effect,
                identity: value
            )
        }
    }

    private static let table: [SettingEntry] = serverTable + callTable + fileTable

    private static let serverTable: [SettingEntry] = [
        .restart("COMPAT") { $0.compat.rawValue },
        .restart("HOST") { $0.host },
        .restart("PORT") { "\($0.port)" },
        .restart("LOOPS") { "\($0.loops)" },
        .restart("MAX_CONNECTIONS") { "\($0.callsMax)" },
        .restart("CONNECTS_PER_SECOND") { "\($0.connectsPerSecond)" },
        .restart("PUBLIC_URL") { $0.publicURL },
        .restart("PUBLIC_URL_KEEP_PATH") { $0.publicOrigin?.prefix.isEmpty == false ? "yes" : "no" },
        .restart("LEAD_MS") { "\($0.engine.leadMilliseconds)" },
        .restart("APPEND_MS") { "\($0.engine.appendMilliseconds)" },
        .secret("TWILIO_AUTH_TOKEN") { $0.access.twilioTokens.first ?? "" },
        .secret("TWILIO_AUTH_TOKEN_SECONDARY") { $0.access.twilioTokens.dropFirst().first ?? "" },
        .secret("TWILIO_SHARED_KEYS") { settings in
            settings.access.twilioSharedKeys.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
                separator: ","
            )
        },
        .restart("TWILIO_ACCOUNT_SID") { $0.access.twilioAccount },
        .restart("ALLOW_UNSIGNED") { $0.access.allowsUnsigned ? "yes" : "no" },
        .restart("TWILIO_API_URL") { $0.carrier.server.origin },
        .restart("TWILIO_API_KEY") { $0.carrier.apiKey?.id ?? "" },
        .secret("TWILIO_API_SECRET") { $0.carrier.apiKey?.secret ?? "" },
        .restart("TWILIO_NUMBER") { $0.carrier.number },
        .secret("API_TOKEN") { $0.access.secret(of: "api") },
        .secret("VIEWER_TOKEN") { $0.access.secret(of: "viewer") },
        .secret("USERS") { settings in
            settings.access.users.map { "\($0.visitor.name):\($0.visitor.role.rawValue):\($0.secret)" }.joined(
                separator: ","
            )
        },
        .restart("DEVICES") { $0.devices.trust.rawValue },
        .secret("TELNYX_TOKEN") { $0.devices.telnyxToken },
        .secret("ASTERISK_TOKEN") { $0.devices.asteriskToken },
        .restart("OPUS_BITRATE") { "\($0.devices.opus.bitrate)" },
        .restart("OPUS_COMPLEXITY") { "\($0.devices.opus.complexity)" },
        .restart("OPUS_LOSS") { "\($0.devices.opus.lossPercent)" },
        .restart("OPUS_FEC") { $0.devices.opus.hasFEC ? "yes" : "no" },
        .restart("OPUS_DTX") { $0.devices.opus.hasDTX ? "yes" : "no" },
        .restart("TRUSTED_PROXIES") { $0.access.proxies.map(\.description).joined(separator: ",") },
        .restart("TLS_CERT") { $0.tls?.certificate ?? "" },
        .restart("TLS_KEY") { $0.tls?.key ?? "" },
        .restart("CORS_ORIGINS") { $0.access.corsOrigins.joined(separator: ",") },
        .restart("DATABASE_PATH") { $0.records.database ?? "none" },
        .restart("RETENTION_DAYS") { $0.records.retentionDays.map { "\($0)" } ?? "forever" },
        .restart("RECORDING") { $0.records.records ? "on" : "off" },
        .restart("RECORDINGS_PATH") { $0.records.folder },
        .restart("END_URL") { $0.records.endURL.map { $0.server.origin + $0.target.prefix { $0 != "?" } } ?? "" },
        .secret("END_SECRET") { $0.records.endSecret },
        .restart("LOG_LEVEL") { $0.logging.level.rawValue },
        .restart("LOG_LEVELS") { settings in
            settings.logging.levels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        },
        .restart("LOG_FORMAT") { $0.logging.format.rawValue },
        .restart("ENVIRONMENT") { $0.environmentName },
        .restart("HEALTH_CHECK_INTERVAL") { seconds($0.healthIntervalMilliseconds) },
        .restart("LOG_VIEWERS_MAX") { "\($0.viewersMax)" },
        .restart("HTTP_CONNECTIONS_MAX") { "\($0.web.connectionsMax)" },
        .restart("DRAIN_SECONDS") { seconds($0.drainMilliseconds) },
    ]

    private static let callTable: [SettingEntry] = [
        .secret("OPENAI_API_KEY") { $0.key },
        .restart("OPENAI_REALTIME_URL") { withoutQuery($0.realtimeURL ?? "") },
        .restart("OPENAI_CA_FILE") { $0.authorityFile ?? "" },
        // The address is dialled with the model in its query.
        .restart("OPENAI_MODEL") { $0.call.session.model },
        .newCalls("VOICE") { $0.call.session.voice },
        .newCalls("GREETING") { settings in
            if case .agentFirst(.instructions(let text)) = settings.call.greeting { return text }
            return ""
        },
        .newCalls("SESSION") { $0.call.session.session(tools: []).withoutInstructions.text },
        .newCalls("AUTO_RECONNECT") { $0.call.reconnect.maximumAttempts > 0 ? "yes" : "no" },
        .newCalls("RECONNECT_MAX_ATTEMPTS") { "\($0.call.reconnect.maximumAttempts)" },
        .newCalls("RECONNECT_INITIAL_DELAY") { seconds($0.call.reconnect.initialDelayMilliseconds) },
        .newCalls("RECONNECT_MAX_DELAY") { seconds($0.call.reconnect.maximumDelayMilliseconds) },
        .newCalls("RECONNECT_BUDGET") { seconds($0.call.reconnect.outageBudgetMilliseconds) },
        .newCalls("ROTATE_AFTER") { seconds($0.call.rotation.afterMilliseconds) },
        .newCalls("TOOLS_AT_ONCE") { "\($0.call.tools.parallelLimit)" },
        .newCalls("TOOLS_PER_CALL") { "\($0.call.tools.callsMaximum)" },
        .newCalls("OFFER_END_CALL") { $0.call.tools.offersEndCall ? "yes" : "no" },
        .newCalls("OFFER_KEYS") { $0.tools.offersKeys ? "yes" : "no" },
        .newCalls("WEATHER_URL") { $0.tools.weather?.origin ?? "none" },
        .newCalls("PRE_CALL_URL") { $0.tools.preCall.map { $0.server.origin + $0.target.prefix { $0 != "?" } } ?? "" },
        .secretForNewCalls("PRE_CALL_SECRET") { $0.tools.preCallSecret },
        .newCalls("PRE_CALL_MS") { "\($0.tools.preCallMilliseconds)" },
        .newCalls("TRANSFER_NUMBERS") { $0.carrier.transfers.map { "\($0.name)=\($0.number)" }.joined(separator: ",") },
        .newCalls("TRANSFER_SECONDS") { "\($0.carrier.transferSeconds)" },
        .newCalls("OUTBOUND_ALLOW") { $0.carrier.outboundPrefixes.joined(separator: ",") },
        .newCalls("OUTBOUND_PER_MINUTE") { "\($0.caps.outboundPerMinute)" },
        .newCalls("CALLS_PER_CALLER") { "\($0.caps.callsPerCaller)" },
        .newCalls("CALLS_PER_ADDRESS") { "\($0.caps.callsPerAddress)" },
        .newCalls("REFUSALS_PER_ADDRESS") { "\($0.caps.refusalsPerAddress)" },
        .newCalls("CALL_SECONDS_MAX") { seconds($0.call.limits.durationMilliseconds) },
        .newCalls("CALL_ENDS_SOON") { settings in
            if case .exactly(let words)? = settings.call.limits.durationWarning?.text { return words }
            return ""
        },
        .newCalls("COST_PER_CALL") { dollars($0.call.limits.costMicrodollars) },
        .newCalls("COST_PER_DAY") { dollars($0.caps.dayMicrodollars) },
        .newCalls("GOODBYE") { settings in
            if case .exactly(let words) = settings.call.goodbye.words { return words }
            return ""
        },
        .newCalls("SAY_BEFORE") { $0.texts.before.joined(separator: "|") },
        .newCalls("SAY_AFTER") { $0.texts.after ?? "" },
        .newCalls("SAY_REFUSAL") { $0.texts.refusal },
        .newCalls("SAY_VOICE") { $0.texts.speech.voice ?? "" },
        .newCalls("SAY_LANGUAGE") { $0.texts.speech.language ?? "" },
    ]

    /// Files: what is compared is what was read from them.
    private static let fileTable: [SettingEntry] = [
        .newCalls("PROMPT_FILE") { "\($0.call.session.instructions.utf8.count) bytes" },
        .newCalls("TWIML_FILE") { $0.template == nil ? "" : "(read)" },
        .newCalls("TOOLS_FILE") { $0.toolsFile ?? "" },
        .newCalls("CONFIG_FILE") { "\($0.routing.rules.count) routing rules" },
    ]

    private static func dollars(_ microdollars: Int64?) -> String {
        microdollars.map { "\(Double($0) / 1_000_000)" } ?? ""
    }

    /// Some providers take their key in the query.
    private static func withoutQuery(_ url: String) -> String {
        url.contains("?") ? url.prefix { $0 != "?" } + "?(not shown)" : url
    }
}

extension SessionObject {
    /// As JSON without the instructions, which have a file of their own, and the tools.
    fileprivate var withoutInstructions: JSONValue {
        var session = self
        session.instructions = nil
        session.tools = nil
        return session.json
    }
}

extension Settings {
    /// Everything that must not get into a log line.
    public var secrets: [String] {
        (serverSecrets + httpTools.flatMap(\.secrets) + [
            key, tools.preCallSecret, records.endSecret, carrier.apiKey?.secret ?? "",
            devices.telnyxToken, devices.asteriskToken,
        ]
            + access.credentials.map(\.secret)
            + access.twilioTokens + access.twilioSharedKeys.values).filter { !$0.isEmpty }
    }
}
