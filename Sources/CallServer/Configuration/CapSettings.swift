/// How much may happen at once, and cost.
public struct CapSettings: Sendable, Hashable {
    /// Calls of one caller at once.
    public var callsPerCaller = 20
    /// Calls that come from one address at once; carriers send many from few.
    public var callsPerAddress = 10_000
    /// Streams of one address that were turned away within a minute before it must wait for one.
    public var refusalsPerAddress = 20
    /// What a day may cost, in millionths of a dollar (UTC); nil is no bound.
    public var dayMicrodollars: Int64?
    /// Outbound calls a minute.
    public var outboundPerMinute = 10

    /// The defaults.
    public init() {}

    init(_ reader: inout SettingsReader, callsMax: Int) {
        callsPerCaller = reader.number("CALLS_PER_CALLER", 1...10_000) ?? callsPerCaller
        callsPerAddress = reader.number("CALLS_PER_ADDRESS", 1...10_000) ?? callsMax
        refusalsPerAddress = reader.number("REFUSALS_PER_ADDRESS", 1...1_000) ?? refusalsPerAddress
        dayMicrodollars = reader.dollars("COST_PER_DAY")
        outboundPerMinute = reader.number("OUTBOUND_PER_MINUTE", 1...1_000) ?? outboundPerMinute
    }
}

extension SettingsReader {
    /// Dollars, as millionths.
    mutating func dollars(_ name: String) -> Int64? {
        guard let text = text(name) else { return nil }
        if let value = Double(text), (0.01...1_000_000).contains(value) { return Int64(value * 1_000_000) }
        problems.append("\(name): \"\(text)\" is not a number of dollars from 0.01 to 1000000")
        return nil
    }

    /// The URL of a server that the operator trusts.
    mutating func url(_ name: String) -> OutboundURL? {
        guard let text = text(name) else { return nil }
        do throws(OutboundURL.Failure) {
            return try OutboundURL(trusted: text)
        } catch {
            problems.append("\(name): \"\(text.prefix { $0 != "?" })\" \(error)")
            return nil
        }
    }
}
