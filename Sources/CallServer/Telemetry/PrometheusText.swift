/// A metric as Prometheus sees it: a name, what it means, and its samples.
public struct MetricFamily: Sendable {
    /// What its values are.
    public enum Values: Sendable {
        /// They only grow.
        case counter([Sample])
        /// They go up and down.
        case gauge([Sample])
        /// Distributions.
        case histogram([(labels: [Label], histogram: Histogram)])
    }

    /// One value.
    public struct Sample: Sendable, Hashable {
        /// What it is of.
        public var labels: [Label]
        /// The value.
        public var value: Double

        /// A value.
        public init(_ value: Double, _ labels: [Label] = []) {
            self.labels = labels
            self.value = value
        }
    }

    /// Part of what a value is of.
    public struct Label: Sendable, Hashable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The name; of a counter it ends in `_total`.
    public var name: String
    /// A sentence.
    public var help: String
    /// The samples.
    public var values: Values

    /// A metric.
    public init(_ name: String, _ help: String, _ values: Values) {
        self.name = name
        self.help = help
        self.values = values
    }

    static func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        MetricFamily(name, help, .counter([Sample(Double(value))]))
    }

    static func gauge(_ name: String, _ help: String, _ value: Double, _ labels: [Label] = []) -> MetricFamily {
        MetricFamily(name, help, .gauge([Sample(value, labels)]))
    }

    static func gauge(_ name: String, _ help: String, _ value: Int, _ labels: [Label] = []) -> MetricFamily {
        gauge(name, help, Double(value), labels)
    }
}

/// A distribution over fixed bounds.
public struct Histogram: Sendable, Hashable {
    /// Upper bounds of the buckets, each included, ascending; the last bucket has none.
    public let bounds: [Double]
    /// Values in each bucket, the one without a bound last.
    public private(set) var counts: [UInt64]
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// An empty distribution.
    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Counts a value.
    public mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// Values in all.
    public var count: UInt64 { counts.reduce(0, +) }
}

/// The text format that Prometheus reads, version 0.0.4.
public enum PrometheusText {
    /// `Content-Type` of the text.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text of metrics.
    public static func write(_ families: [MetricFamily]) -> String {
        families.reduce(into: "") { text, family in
            text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(type(family.values))\n"
            switch family.values {
            case .counter(let samples), .gauge(let samples):
                for sample in samples { text += line(family.name, sample.labels, number(sample.value)) }
            case .histogram(let series):
                for (labels, histogram) in series { write(histogram, family.name, labels, to: &text) }
            }
        }
    }

    private static func type(_ values: MetricFamily.Values) -> String {
        switch values {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    private static func write(
        _ histogram: Histogram,
        _ name: String,
        _ labels: [MetricFamily.Label],
        to text: inout String
    ) {
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds + [.infinity], histogram.counts) {
            total += count
            text += line("\(name)_bucket", labels + [.init("le", number(bound))], String(total))
        }
        text += line("\(name)_sum", labels, number(histogram.sum))
        text += line("\(name)_count", labels, String(total))
    }

    private static func line(_ name: String, _ labels: [MetricFamily.Label], _ value: String) -> String {
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
        return pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs)} \(value)\n"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }
}
